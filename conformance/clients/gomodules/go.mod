module github.com/pubsubd/pubsubd/conformance/clients/gomodules

go 1.26.0

replace github.com/pubsubd/pubsubd => ../../..

require (
	github.com/gomodule/redigo v1.9.3
	github.com/pubsubd/pubsubd v0.0.0
	github.com/redis/rueidis v1.0.79
	github.com/valkey-io/valkey-go v1.0.79
)

require golang.org/x/sys v0.48.0 // indirect
