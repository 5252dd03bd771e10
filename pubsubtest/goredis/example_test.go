package goredis_test

import (
	"context"
	"fmt"
	"log"

	"github.com/redis/go-redis/v9"

	"github.com/pubsubd/pubsubd/pubsubtest"
	"github.com/pubsubd/pubsubd/pubsubtest/goredis"
)

func ExampleOptions() {
	srv, err := pubsubtest.Start(pubsubtest.TLS(), pubsubtest.InMemory(), pubsubtest.Password("secret"))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	o := goredis.Options(srv)
	o.ClientName = "app" // for srv.Named
	rdb := redis.NewClient(o)
	defer rdb.Close()
	fmt.Println(rdb.Ping(context.Background()))
	fmt.Println(len(srv.Named("app").List()))
	// Output:
	// ping: PONG
	// 1
}
