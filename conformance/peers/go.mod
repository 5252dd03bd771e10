module github.com/pubsubd/pubsubd/conformance/peers

go 1.26.0

require (
	github.com/alicebob/miniredis/v2 v2.35.0
	github.com/tidwall/redcon v1.6.2
)

require (
	github.com/tidwall/btree v1.1.0 // indirect
	github.com/tidwall/match v1.1.1 // indirect
	github.com/yuin/gopher-lua v1.1.1 // indirect
)
