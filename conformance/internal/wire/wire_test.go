package wire

import (
	"os"
	"testing"

	"github.com/pubsubd/pubsubd/conformance/internal/sut"
	"github.com/pubsubd/pubsubd/conformance/transcript"
)

func TestMain(m *testing.M) { os.Exit(sut.Main(m)) }

func TestConn(t *testing.T) {
	for _, network := range []string{sut.TCP, sut.Unix, sut.TLS} {
		_, at := sut.StartOn(t, sut.Redis(t), network)
		c := Dial(t, at)
		c.Send("SUBSCRIBE", "a\r\nb")
		c.Raw("PING\r\n")
		c.Want(`*3 "subscribe" "a\r\nb" :1`, `*2 "pong" ""`)
		if v := c.Do("GET"); v.Kind != transcript.SimpleError {
			t.Errorf("GET without a key was answered %v", v)
		}
		c.Raw("*1\r\n$x\r\n")
		if list := c.Closed(Patience); len(list) != 1 || list[0].Kind != transcript.SimpleError {
			t.Errorf("before it was closed came %v", list)
		}
	}
}
