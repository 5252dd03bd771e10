// Package gomodules holds tests of Go client libraries against pubsubd and a
// redis-server. It is a module of its own, so that the module of pubsubd needs
// none of them. See README.md of the folder above.
package gomodules
