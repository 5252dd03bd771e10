package server

import (
	"testing"
	"time"

	"github.com/pubsubd/pubsubd/broker"
)

// What is looked at once a second does not wait for who has the broker for itself:
// the clocks of clients would stand still meanwhile.
func TestSamplesDoNotWaitForTheBroker(t *testing.T) {
	s := newServer(t)
	sampled := make(chan struct{})
	s.broker.Exclusive(nil, func(*broker.Exclusive) {
		go func() {
			defer close(sampled)
			s.surveyClients()
		}()
		select {
		case <-sampled:
		case <-time.After(patience):
			t.Error("waits")
		}
	})
	<-sampled
}
