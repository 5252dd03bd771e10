// Package soak has a server under mixed load for a long time while everything
// goes wrong around those who do no harm, and checks that they do not notice.
package soak
