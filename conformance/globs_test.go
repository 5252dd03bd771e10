package main

import (
	"context"
	"flag"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
)

var globPairs = flag.Int("conformance.globs", 1_200_000, "pattern and channel pairs that TestGlobs compares")

// nasty is the bytes that mean something in a glob, some that do not, and two
// high ones.
const nasty = "ab-]^[\\*?\x81\xfe"

func randomBytes(rnd *rand.Rand, most int) string {
	b := make([]byte, 1+rnd.IntN(most))
	for i := range b {
		b[i] = nasty[rnd.IntN(len(nasty))]
	}
	return string(b)
}

// TestGlobs asks redis-server and pubsubd which of many channels match random
// patterns. They must agree, but where a range has a high byte at an end:
// Redis on x86-64 compares range ends as signed bytes, pubsubd as unsigned ones.
func TestGlobs(t *testing.T) {
	t.Parallel()
	const channelsAtATime = 1200
	rnd := rand.New(rand.NewPCG(7, 15))
	ctx := context.Background()
	theirs := redis.NewClient(&redis.Options{Addr: sut.Start(t, sut.Redis(t)).Addr})
	ours := redis.NewClient(&redis.Options{Addr: sut.Start(t, sut.Pubsubd(t)).Addr})
	defer theirs.Close()
	defer ours.Close()

	seen := make(map[string]bool)
	for len(seen) < channelsAtATime {
		seen[randomBytes(rnd, 6)] = true
	}
	channels := make([]string, 0, len(seen))
	for c := range seen {
		channels = append(channels, c)
	}
	slices.Sort(channels)
	for _, rdb := range []*redis.Client{theirs, ours} {
		sub := rdb.Subscribe(ctx, channels...)
		defer sub.Close()
		for range channels {
			if _, err := sub.Receive(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}

	pairs, signed := 0, 0
	for pairs < *globPairs {
		pattern := randomBytes(rnd, 9)
		a, b := matches(ctx, t, theirs, pattern), matches(ctx, t, ours, pattern)
		for _, c := range channels {
			pairs++
			if a[c] == b[c] {
				continue
			}
			if a[c] != model(pattern, c, true) || b[c] != model(pattern, c, false) {
				t.Errorf("pattern %q, channel %q: redis-server says %v, pubsubd %v", pattern, c, a[c], b[c])
			}
			signed++
		}
	}
	t.Logf("%d pairs, %d differ because of signed range ends, no other difference", pairs, signed)
}

func matches(ctx context.Context, t *testing.T, rdb *redis.Client, pattern string) map[string]bool {
	t.Helper()
	list, err := rdb.PubSubChannels(ctx, pattern).Result()
	if err != nil {
		t.Fatalf("PUBSUB CHANNELS %q: %v", pattern, err)
	}
	set := make(map[string]bool, len(list))
	for _, c := range list {
		set[c] = true
	}
	return set
}

// model is a glob matcher written for being plainly right: it follows the rules
// one byte at a time and tries every length of a star.
func model(p, s string, signed bool) bool {
	if p == "" || s == "" {
		return p == s
	}
	switch p[0] {
	case '*':
		for i := 0; i <= len(s); i++ {
			if rest := s[i:]; rest == "" && onlyStars(p[1:]) || rest != "" && model(p[1:], rest, signed) {
				return true
			}
		}
		return false
	case '?':
		return tail(p[1:], s[1:], signed)
	case '[':
		rest, ok := class(p[1:], s[0], signed)
		return ok && tail(rest, s[1:], signed)
	case '\\':
		if len(p) > 1 {
			p = p[1:]
		}
	}
	return p[0] == s[0] && tail(p[1:], s[1:], signed)
}

// tail matches what is left once a byte has been matched.
func tail(p, s string, signed bool) bool {
	if s == "" {
		return onlyStars(p)
	}
	return model(p, s, signed)
}

func onlyStars(p string) bool {
	for i := range len(p) {
		if p[i] != '*' {
			return false
		}
	}
	return true
}

// class reads a class behind its bracket and returns what follows it.
func class(p string, c byte, signed bool) (rest string, ok bool) {
	not := p != "" && p[0] == '^'
	if not {
		p = p[1:]
	}
	in := false
	for {
		switch {
		case p == "":
			return "", in != not
		case len(p) >= 2 && p[0] == '\\':
			in = in || p[1] == c
			p = p[2:]
		case p[0] == ']':
			return p[1:], in != not
		case len(p) >= 3 && p[1] == '-':
			in = in || within(p[0], p[2], c, signed)
			p = p[3:]
		default:
			in = in || p[0] == c
			p = p[1:]
		}
	}
}

func within(a, b, c byte, signed bool) bool {
	low, high, at := int(a), int(b), int(c)
	if signed {
		low, high, at = int(int8(a)), int(int8(b)), int(int8(c))
	}
	return min(low, high) <= at && at <= max(low, high)
}
