package suite

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pubsubd/pubsubd/conformance/transcript"
)

// Record plays cases on a server of the release they are recorded from and
// takes what it answers for what they list. The server must be for this alone.
// File.Format then gives the text to keep.
//
// A case that cannot be recorded stays as it is. The error tells of all of them.
// Nothing is played if a case is of redis-cli and there is not the right one.
func Record(ctx context.Context, server Server, cases []*Case, o Options) error {
	o = o.withDefaults()
	r := &runner{Options: o, server: server, ctx: ctx, run: "recrd"}
	if why := noCLI(server); why != "" && slices.ContainsFunc(cases, func(c *Case) bool { return c.Screen }) {
		return errors.New("recording what redis-cli prints: " + why)
	}
	var errs []error
	for _, c := range cases {
		if err := context.Cause(ctx); err != nil {
			return errors.Join(append(errs, err)...)
		}
		if err := r.recordCase(ctx, c, r.prefix()); err != nil {
			errs = append(errs, fmt.Errorf("recording %s: %w", c.ID, err))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return hideError(errors.Join(errs...), server)
}

// recordCase records one case. Its protocols share a prefix, so that what they
// have in common shows.
func (r *runner) recordCase(ctx context.Context, c *Case, prefix string) error {
	if c.Screen {
		return r.recordScreen(c, prefix)
	}
	s, err := c.script(prefix, r.server)
	if err != nil {
		return err
	}
	var runs []*transcript.Run
	for _, proto := range c.Protocols {
		undo, err := r.prepare(r.server, c, prefix)
		if err != nil {
			return err
		}
		runs = append(runs, transcript.Player{
			Addr: r.server.Addr, TLS: r.server.TLS, Login: r.server.login(), Timeout: max(r.Timeout, c.patience),
			Expect: transcript.ExpectRedis,
		}.PlayContext(ctx, s, proto))
		if err := undo(); err != nil {
			return err
		}
	}
	return c.record(s, prefix, r.server, runs...)
}
