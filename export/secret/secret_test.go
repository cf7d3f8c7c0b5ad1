package secret

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// A secret shows itself to nobody who prints, logs or encodes it, alone or inside of something.
func TestHidden(t *testing.T) {
	const word = "correct horse"
	holder := struct {
		Password Text
		Pointer  *Text
	}{New(word), new(Text)}
	*holder.Pointer = New(word)
	var out bytes.Buffer
	for _, verb := range strings.Split("%v %+v %#v %s %q %x %X %d %t %10.3s", " ") {
		fmt.Fprintf(&out, verb+"\n", holder.Password)
		fmt.Fprintf(&out, verb+"\n", holder)
		fmt.Fprintf(&out, verb+"\n", []Text{holder.Password})
	}
	fmt.Fprintln(&out, fmt.Errorf("login: %v", holder.Password))
	for _, h := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		slog.New(h).Info("login", "password", holder.Password, "all", holder)
	}
	if err := json.NewEncoder(&out).Encode(holder); err != nil {
		t.Fatal(err)
	}
	if err := toml.NewEncoder(&out).Encode(holder); err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{word, hex.EncodeToString([]byte(word)), "horse"} {
		if strings.Contains(strings.ToLower(out.String()), form) {
			t.Errorf("%s is shown in\n%s", form, out.String())
		}
	}
	if n := strings.Count(out.String(), placeholder); n < 30 {
		t.Errorf("the placeholder is there %d times\n%s", n, out.String())
	}
	if holder.Password.Reveal() != word || !holder.Password.Equal(*holder.Pointer) || holder.Password.Empty() {
		t.Error("the secret is lost")
	}
	var got struct{ Password Text }
	if json.Unmarshal([]byte(`{"Password":"x y"}`), &got) != nil || got.Password.Reveal() != "x y" {
		t.Error("a secret cannot be received")
	}
}

func TestRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("from file\r\nnot this\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("WEIR_TEST_SECRET", "from environment")
	for _, c := range []struct{ file, env, want, wrong string }{
		{file, "", "from file", ""},
		{"", "WEIR_TEST_SECRET", "from environment", ""},
		{"", "", "", ""},
		{file, "WEIR_TEST_SECRET", "", "exclude each other"},
		{file + "x", "", "", "correct password_file"},
		{os.DevNull, "", "", "is empty"},
		{"", "WEIR_TEST_NONE", "", "correct password_env"},
	} {
		got, err := Read("password", c.file, c.env)
		if got.Reveal() != c.want || (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%+v: got %q, %v", c, got.Reveal(), err)
		}
	}
}
