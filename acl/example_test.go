package acl_test

import (
	"fmt"

	"github.com/pubsubd/pubsubd/acl"
)

func ExampleList() {
	users := acl.NewList()
	if _, err := users.Set("app", false, "on", ">secret", "&news.*", "+subscribe"); err != nil {
		fmt.Println(err)
	}
	u, ok := users.Authenticate([]byte("app"), []byte("secret"))
	fmt.Println(u.Name(), ok)

	subscribe := acl.Request{Command: acl.Lookup("subscribe"), Channels: [][]byte{[]byte("news.eu")}}
	why, _ := u.Rules().Check(&subscribe)
	fmt.Println(why == acl.Allowed)

	_, err := users.Set("app", false, "+nosuch")
	fmt.Println(err)
	// Output:
	// app true
	// true
	// Error in ACL SETUSER modifier '+nosuch': Unknown command or category name in ACL
}
