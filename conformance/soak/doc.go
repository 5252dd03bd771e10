// Package soak has a server under mixed load for a long time while everything
// goes wrong around those who do no harm, and checks that they do not notice.
// The long form takes an hour behind five minutes of the same load, from which on
// memory must stay flat, and the same again with another server:
//
//	go test ./conformance/soak -soak -v -timeout 2h
//	go test ./conformance/soak -soak -v -timeout 2h -soak.target redis
package soak
