package clients_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/internal/freeport"
)

// TestRedisBenchmark runs the load generator of redis-tools, briefly. What
// matters is that it ends well, says nothing it does not say of a redis-server,
// and reports each test.
func TestRedisBenchmark(t *testing.T) {
	t.Parallel()
	logVersion(t, "redis-tools", "redis-benchmark", "--version")
	for _, run := range []struct {
		name    string
		server  []string
		args    []string
		reports []string // the names of the tests
	}{
		{
			name:    "ping",
			args:    []string{"-t", "ping_inline,ping_mbulk"},
			reports: []string{"PING_INLINE", "PING_MBULK"},
		},
		{
			name:    "publish",
			args:    []string{"-P", "16", "-r", "100", "publish", "ch:__rand_int__", "hello"},
			reports: []string{"publish ch:__rand_int__ hello"},
		},
		{
			name:    "threads",
			args:    []string{"--threads", "2", "-P", "4", "publish", "ch", "hello"},
			reports: []string{"publish ch hello"},
		},
		{
			name:    "resp3",
			args:    []string{"-3", "ping"},
			reports: []string{"ping"},
		},
		{
			name:    "password",
			server:  []string{"--requirepass", "secret"},
			args:    []string{"-a", "secret", "--user", "default", "--dbnum", "3", "publish", "ch", "hello"},
			reports: []string{"publish ch hello"},
		},
	} {
		t.Run(run.name, func(t *testing.T) {
			eachTarget(t, func(t *testing.T, target sut.Target) {
				server := sut.Start(t, target.Binary(t), run.server...)
				args := append([]string{"-h", "127.0.0.1", "-p", strconv.Itoa(server.Port), "-n", "500", "-c", "10", "--csv"}, run.args...)
				var stderr bytes.Buffer
				cmd := exec.CommandContext(within(t), "redis-benchmark", args...)
				cmd.Stderr = &stderr
				out, err := cmd.Output()
				if err != nil || stderr.Len() > 0 {
					t.Fatalf("%v: %v\n%s\n%s", cmd, err, out, stderr.String())
				}
				var reports []string
				for line := range strings.Lines(string(out)) {
					if name, _, found := strings.Cut(strings.TrimPrefix(line, `"`), `","`); found && name != "test" {
						reports = append(reports, name)
					}
				}
				if !slices.Equal(reports, run.reports) {
					t.Errorf("%v reported %q, want %q:\n%s", cmd, reports, run.reports, out)
				}
			})
		})
	}
}

// TestExporter: whatever Prometheus is told of a redis-server it is told of
// pubsubd, and what concerns publishing and subscribing has the same values.
func TestExporter(t *testing.T) {
	t.Parallel()
	logVersion(t, "prometheus-redis-exporter", "prometheus-redis-exporter", "--version")
	var scraped []map[string]string // in the order of sut.Targets
	for _, target := range sut.Targets {
		scraped = append(scraped, scrape(t, sut.Start(t, target.Binary(t))))
	}
	want, got := scraped[0], scraped[1]
	for _, name := range missing(metricNames(want), metricNames(got)) {
		t.Errorf("no metric is called %s", name)
	}
	for _, metric := range []string{
		"redis_up", `redis_exporter_last_scrape_error{err=""}`,
		"redis_pubsub_channels", "redis_pubsub_patterns", "redis_connected_clients", "redis_blocked_clients",
		"redis_connected_slaves", "redis_config_maxclients", "redis_loading_dump_file", "redis_rejected_connections_total",
		`redis_commands_total{cmd="publish"}`, `redis_commands_total{cmd="subscribe"}`, `redis_commands_total{cmd="psubscribe"}`,
	} {
		if want[metric] == "" || got[metric] != want[metric] {
			t.Errorf("%s is %q, and %q of redis-server", metric, got[metric], want[metric])
		}
	}
}

// scrape uses the server a little and returns what the exporter then tells
// Prometheus: values by metric and labels.
func scrape(t *testing.T, server *sut.Server) map[string]string {
	t.Helper()
	ctx := within(t)
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { rdb.Close() })
	ps := rdb.Subscribe(ctx, "a", "b")
	t.Cleanup(func() { ps.Close() })
	if err := ps.PSubscribe(ctx, "p*"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := ps.Receive(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		if err := rdb.Publish(ctx, "a", "x").Err(); err != nil {
			t.Fatal(err)
		}
	}

	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	var log bytes.Buffer
	exporter := exec.CommandContext(ctx, "prometheus-redis-exporter", "-redis.addr", "redis://"+server.Addr,
		"-web.listen-address", address, "-export-client-list", "-include-config-metrics", "-include-system-metrics")
	exporter.Stdout, exporter.Stderr = &log, &log
	if err := exporter.Start(); err != nil {
		t.Fatal(err)
	}
	text := get(t, ctx, "http://"+address+"/metrics")
	_ = exporter.Process.Kill()
	_ = exporter.Wait()
	if strings.Contains(log.String(), "level=error") {
		t.Errorf("the exporter logged\n%s", log.String())
	}
	metrics := map[string]string{}
	for line := range strings.Lines(text) {
		if at := strings.LastIndexByte(line, ' '); at > 0 && strings.HasPrefix(line, "redis_") {
			metrics[line[:at]] = strings.TrimSpace(line[at:])
		}
	}
	return metrics
}

// get returns the body at url, once its server is there.
func get(t *testing.T, ctx context.Context, url string) string {
	t.Helper()
	var text []byte
	eventually(t, func() bool {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false
		}
		defer response.Body.Close()
		text, err = io.ReadAll(response.Body)
		return err == nil && response.StatusCode == http.StatusOK
	}, "%s", url)
	return string(text)
}

// metricNames returns the names of metrics, without labels.
func metricNames(metrics map[string]string) []string {
	names := map[string]bool{}
	for metric := range metrics {
		name, _, _ := strings.Cut(metric, "{")
		names[name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// missing returns those of want that got lacks.
func missing(want, got []string) []string {
	return slices.DeleteFunc(want, func(name string) bool { return slices.Contains(got, name) })
}
