//go:build !linux

package hostile

import (
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

const mb = 1 << 20

// A usage would watch the memory of a server, which only Linux shows.
type usage struct{ before int64 }

func watch(testing.TB, *sut.Server) *usage { return &usage{} }

func (u *usage) end() (before, peak int64) { return 0, 0 }

func (u *usage) check(testing.TB, *sut.Server, sut.Endpoint) {}

func rss(testing.TB, *sut.Server) int64 { return 0 }
