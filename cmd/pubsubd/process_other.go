//go:build !unix

package main

import "errors"

func background([]string, string) error { return errors.New("not possible on this system") }

func stopSelf() {}
