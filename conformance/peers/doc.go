// Package peers holds servers that the conformance suite is tried on, each a
// small program in a folder of its own. It is a module of its own because
// nothing else needs what they are built from.
package peers
