module github.com/pubsubd/pubsubd/bench/starts

go 1.26.0

replace github.com/pubsubd/pubsubd => ../..

require (
	github.com/alicebob/miniredis/v2 v2.40.0
	github.com/pubsubd/pubsubd v0.0.0
)

require (
	github.com/tidwall/btree v1.1.0 // indirect
	github.com/tidwall/match v1.2.0 // indirect
	github.com/tidwall/redcon v1.6.2 // indirect
	github.com/yuin/gopher-lua v1.1.1 // indirect
	go.uber.org/multierr v1.10.0 // indirect
	go.uber.org/zap v1.28.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
)
