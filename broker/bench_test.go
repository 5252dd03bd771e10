package broker

import (
	"fmt"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
)

// batchOf makes n payloads of 64 bytes.
func batchOf(n int) [][]byte {
	batch := make([][]byte, n)
	for i := range batch {
		batch[i] = make([]byte, 64)
	}
	return batch
}

// reportDeliveries says what one delivery costs.
func reportDeliveries(b *testing.B, perCall int) {
	b.ReportAllocs()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*perCall), "ns/delivery")
}

func BenchmarkPublish(b *testing.B) {
	for _, n := range []int{0, 1, 10, 100, 1000} {
		for _, run := range []int{1, 16} {
			b.Run(fmt.Sprintf("subscribers=%d/run=%d", n, run), func(b *testing.B) {
				broker := New(nil)
				for range n {
					broker.Subscribe(broker.Join(&transport{}), Channel, "news")
				}
				batch := batchOf(run)
				for b.Loop() {
					broker.Publish("news", batch...)
				}
				reportDeliveries(b, max(1, n*run))
			})
		}
	}
}

// BenchmarkPublishManyChannels goes round channels of one subscriber each, so
// that little of what it needs is in the processor's caches.
func BenchmarkPublishManyChannels(b *testing.B) {
	for _, n := range []int{1, 1000, 100_000} {
		b.Run(fmt.Sprintf("channels=%d", n), func(b *testing.B) {
			broker := New(nil)
			names := make([]string, n)
			members := make([]*Member, 100)
			for i := range members {
				members[i] = broker.Join(&transport{})
			}
			for i := range names {
				names[i] = "user:" + strconv.Itoa(i)
				broker.Subscribe(members[i%len(members)], Channel, names[i])
			}
			batch, i := batchOf(1), 0
			for b.Loop() {
				broker.Publish(names[i], batch...)
				if i += 7919; i >= n {
					i %= n
				}
			}
			reportDeliveries(b, 1)
		})
	}
}

// BenchmarkPublishPatterns publishes to a channel that one pattern matches, of
// many.
func BenchmarkPublishPatterns(b *testing.B) {
	for _, n := range []int{1, 10, 1000, 100_000} {
		for _, run := range []int{1, 16} {
			b.Run(fmt.Sprintf("patterns=%d/run=%d", n, run), func(b *testing.B) {
				broker := New(nil)
				m := broker.Join(&transport{})
				for i := range n {
					broker.Subscribe(m, Pattern, "user:"+strconv.Itoa(i)+":*")
				}
				batch := batchOf(run)
				for b.Loop() {
					broker.Publish("user:0:updated", batch...)
				}
				reportDeliveries(b, run)
			})
		}
	}
}

// BenchmarkPublishBoth publishes to subscribers that have the channel and a
// pattern that all of them share.
func BenchmarkPublishBoth(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprintf("subscribers=%d", n), func(b *testing.B) {
			broker := New(nil)
			for range n {
				m := broker.Join(&transport{})
				broker.Subscribe(m, Channel, "news.sport")
				broker.Subscribe(m, Pattern, "news.*")
			}
			batch := batchOf(1)
			for b.Loop() {
				broker.Publish("news.sport", batch...)
			}
			reportDeliveries(b, 2*n)
		})
	}
}

// BenchmarkPublishParallel publishes to 10 subscribers, from each goroutine on
// a channel of its own or all on one, with patterns that do not match or without.
func BenchmarkPublishParallel(b *testing.B) {
	for _, test := range []struct {
		label    string
		channels int
		patterns int
	}{{"different", 1024, 0}, {"different/patterns=10", 1024, 10}, {"same", 1, 0}} {
		b.Run("channels="+test.label, func(b *testing.B) {
			broker := New(nil)
			for i := range test.patterns {
				broker.Subscribe(broker.Join(&transport{}), Pattern, "user:"+strconv.Itoa(i)+":*")
			}
			for i := range test.channels {
				for range 10 {
					broker.Subscribe(broker.Join(&transport{}), Channel, strconv.Itoa(i))
				}
			}
			var next atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				name, batch := strconv.Itoa(int(next.Add(1))%test.channels), batchOf(1)
				for pb.Next() {
					broker.Publish(name, batch...)
				}
			})
			reportDeliveries(b, 10)
		})
	}
}

// BenchmarkChurn subscribes and unsubscribes: a name of one's own, one that
// others have, one that very many have.
func BenchmarkChurn(b *testing.B) {
	for k := range kinds {
		for _, others := range []int{0, 10, 10_000} {
			b.Run(fmt.Sprintf("%s/others=%d", k, others), func(b *testing.B) {
				broker := New(nil)
				for range others {
					broker.Subscribe(broker.Join(&transport{}), k, "news")
				}
				m := broker.Join(&transport{})
				for b.Loop() {
					broker.Subscribe(m, k, "news")
					broker.Unsubscribe(m, k, "news")
				}
				b.ReportAllocs()
			})
		}
	}
}

// BenchmarkSubscriptions makes a million subscriptions of 100 members and
// reports the memory of each: to channels of one subscriber, or of all.
func BenchmarkSubscriptions(b *testing.B) {
	const members, each = 100, 10_000
	for _, test := range []struct {
		label string
		kind  Kind
		name  func(member, i int) string
	}{
		{"channel/subscribers=1", Channel, func(member, i int) string { return "user:" + strconv.Itoa(member*each+i) }},
		{"channel/subscribers=100", Channel, func(_, i int) string { return "user:" + strconv.Itoa(i) }},
		{"pattern/subscribers=1", Pattern, func(member, i int) string { return "user:" + strconv.Itoa(member*each+i) + ":*" }},
		{"pattern/subscribers=100", Pattern, func(_, i int) string { return "user:" + strconv.Itoa(i) + ":*" }},
	} {
		b.Run(test.label, func(b *testing.B) {
			var used uint64
			for b.Loop() {
				before := heapInUse()
				broker := New(nil)
				for member := range members {
					m := broker.Join(&transport{})
					for i := range each {
						broker.Subscribe(m, test.kind, test.name(member, i))
					}
				}
				used += heapInUse() - before
				runtime.KeepAlive(broker)
			}
			b.ReportMetric(float64(used)/float64(b.N)/(members*each), "bytes/subscription")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(members*each), "ns/subscription")
		})
	}
}

// heapInUse returns the bytes that live objects take.
func heapInUse() uint64 {
	runtime.GC()
	runtime.GC() // what the first one found in pools
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
