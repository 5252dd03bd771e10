package clients_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/internal/freeport"
)

// TestWebdis publishes and subscribes by HTTP, through Webdis. Its release in
// Debian gives one request one channel or pattern, and has no SELECT.
func TestWebdis(t *testing.T) {
	t.Parallel()
	logVersion(t, "webdis", "sh", "-c", `grep -aom 1 'Webdis [0-9.]*' "$(command -v webdis)"`)
	t.Run("publish", func(t *testing.T) {
		eachTarget(t, func(t *testing.T, target sut.Target) {
			for _, network := range []string{sut.TCP, sut.Unix} {
				t.Run(network, func(t *testing.T) {
					_, at := sut.StartOn(t, target.Binary(t), network)
					testWebdisPublish(t, startWebdis(t, at, map[string]any{"database": 1}))
				})
			}
		})
	})
	t.Run("password", func(t *testing.T) {
		eachTarget(t, func(t *testing.T, target sut.Target) {
			_, at := sut.StartOn(t, target.Binary(t), sut.TCP, "--requirepass", "correct horse")
			for password, want := range map[string]string{
				"correct horse": `{"PUBLISH":0}`,
				"wrong":         `{"PUBLISH":[false,"NOAUTH Authentication required."]}`,
			} {
				w := startWebdis(t, at, map[string]any{"redis_auth": password})
				w.expect("PUBLISH/a/x", want)
			}
		})
	})
	t.Run("lost", func(t *testing.T) {
		eachTarget(t, func(t *testing.T, target sut.Target) {
			server, at := sut.StartOn(t, target.Binary(t), sut.TCP)
			w := startWebdis(t, at, nil)
			// Webdis tells nobody that a subscription is lost.
			messages := w.subscribe("SUBSCRIBE/a")
			messages.expect(`{"SUBSCRIBE":["subscribe","a",1]}`)
			w.expect("CLIENT/KILL/TYPE/pubsub", `{"CLIENT":1}`)
			w.expect("PUBLISH/a/x", `{"PUBLISH":0}`)
			server.Restart()
			get(t, within(t), w.url+"PING")
			messages = w.subscribe("SUBSCRIBE/a")
			messages.expect(`{"SUBSCRIBE":["subscribe","a",1]}`)
			w.expect("PUBLISH/a/again", `{"PUBLISH":1}`)
			messages.expect(`{"SUBSCRIBE":["message","a","again"]}`)
		})
	})
}

func testWebdisPublish(t *testing.T, w *webdis) {
	news, sport, pattern := w.subscribe("SUBSCRIBE/news"), w.subscribe("SUBSCRIBE/sport"), w.subscribe("PSUBSCRIBE/n*")
	news.expect(`{"SUBSCRIBE":["subscribe","news",1]}`)
	sport.expect(`{"SUBSCRIBE":["subscribe","sport",1]}`)
	pattern.expect(`{"PSUBSCRIBE":["psubscribe","n*",1]}`)
	w.expect("PUBSUB/NUMSUB/news/sport/other", `{"PUBSUB":["news",1,"sport",1,"other",0]}`)
	w.expect("PUBSUB/CHANNELS/n*.json", `{"PUBSUB":["news"]}`)
	w.expect("PUBSUB/NUMPAT.txt", `1`)

	w.expect("PUBLISH/news/hello%2fworld", `{"PUBLISH":2}`)
	news.expect(`{"SUBSCRIBE":["message","news","hello/world"]}`)
	pattern.expect(`{"PSUBSCRIBE":["pmessage","n*","news","hello/world"]}`)
	w.expect("PUBLISH/sport/%c3%a9%0d%0a.txt", `1`)
	sport.expect(`{"SUBSCRIBE":["message","sport","é\r\n"]}`)
	w.expect("PUBLISH/other/x.raw", ":0\r\n")
	w.expect("PUBLISH/news", `{"PUBLISH":[false,"ERR wrong number of arguments for 'publish' command"]}`)

	// To hang up is to unsubscribe, unless Webdis still has something to tell.
	news.hangUp()
	eventually(t, func() bool { return w.body("PUBSUB/NUMSUB/news") == `{"PUBSUB":["news",0]}` }, "the subscriber's end")
	w.expect("PUBLISH/news/late", `{"PUBLISH":1}`)
	pattern.expect(`{"PSUBSCRIBE":["pmessage","n*","news","late"]}`)
	pattern.hangUp()
	eventually(t, func() bool { return w.body("PUBSUB/NUMPAT.txt") == "0" }, "the end of the pattern's subscriber")
}

// A webdis is a process of its own and where it listens.
type webdis struct {
	t   *testing.T
	url string
}

// startWebdis starts Webdis in front of the server at an endpoint and waits
// until it is connected. It ends with the test.
func startWebdis(t *testing.T, at sut.Endpoint, config map[string]any) *webdis {
	t.Helper()
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := map[string]any{
		"http_host": "127.0.0.1", "http_port": port, "threads": 1, "daemonize": false,
		"logfile": filepath.Join(dir, "log"), "pidfile": filepath.Join(dir, "pid"),
		"redis_host": at.Address,
	}
	if at.Network == sut.TCP {
		host, port, err := net.SplitHostPort(at.Address)
		if err != nil {
			t.Fatal(err)
		}
		file["redis_host"] = host
		if file["redis_port"], err = strconv.Atoi(port); err != nil {
			t.Fatal(err)
		}
	}
	maps.Copy(file, config)
	text, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "webdis.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("webdis", path)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	w := &webdis{t: t, url: fmt.Sprintf("http://127.0.0.1:%d/", port)}
	get(t, within(t), w.url+"PING")
	return w
}

// open sends a request, and fails the test unless it is answered well.
func (w *webdis) open(ctx context.Context, path string) io.ReadCloser {
	w.t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		w.t.Fatalf("%s: %s", path, response.Status)
	}
	return response.Body
}

// body returns what a request is answered.
func (w *webdis) body(path string) string {
	w.t.Helper()
	body := w.open(within(w.t), path)
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// expect fails the test unless a request is answered so.
func (w *webdis) expect(path, want string) {
	w.t.Helper()
	if got := w.body(path); got != want {
		w.t.Errorf("%s is answered %s, want %s", path, got, want)
	}
}

// A webdisStream is the endless answer to a subscription.
type webdisStream struct {
	t      *testing.T
	values *json.Decoder
	hangUp context.CancelFunc
}

func (w *webdis) subscribe(path string) *webdisStream {
	w.t.Helper()
	ctx, cancel := context.WithCancel(within(w.t))
	body := w.open(ctx, path)
	w.t.Cleanup(func() { body.Close() })
	return &webdisStream{t: w.t, values: json.NewDecoder(body), hangUp: cancel}
}

// expect fails the test unless this is what comes next.
func (s *webdisStream) expect(want string) {
	s.t.Helper()
	var got json.RawMessage
	if err := s.values.Decode(&got); err != nil {
		s.t.Fatalf("%v in place of %s", err, want)
	}
	if string(got) != want {
		s.t.Errorf("received %s, want %s", got, want)
	}
}
