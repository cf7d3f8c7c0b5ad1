package app

import (
	"bytes"
	"testing"
)

// databases are the dissectors of databases.
var databases = []*Dissector{&MySQL, &PostgreSQL, &Redis}

// dbElsewhere are conversations of databases in captures of something else.
var dbElsewhere = []string{}

// TestShape holds how statements read without literals.
func TestShape(t *testing.T) {
	my, other := mysqlQuotes, dbQuotes{}
	for _, c := range []struct {
		q          dbQuotes
		text, want string
	}{
		{my, "select * from t where a='x' and b = \"y\"", "select * from t where a=? and b = ?"},
		{other, "select \"a b\" from t where c=$1", "select \"a b\" from t where c=$1"},
		{my, `select 'it\'s', 'it''s', 1.5e3, t1.c2, 0x1f`, "select ?, ?, ?, t1.c2, ?"},
		{other, `select 'a\', 2`, "select ?, ?"},
		{other, "  select\n\t 1  ", "select ?"},
		{other, "select $$it's$$, $q$ $$ $q$, $1", "select ?, ?, $1"},
		{my, "select 'never ends", "select ?"},
		{other, "create user x identified by tiger", "create user x identified by ?"},
		{my, "select 'é', é", "select ?, é"},
		{my, "", ""},
	} {
		if got := dbShape(make([]byte, 0, 255), []byte(c.text), c.q); string(got) != c.want {
			t.Errorf("%q reads %q, want %q", c.text, got, c.want)
		}
	}
	long := bytes.Repeat([]byte("a 'b' "), 200)
	if got := dbShape(make([]byte, 0, 255), long, my); len(got) > 255 {
		t.Errorf("%d octets", len(got))
	}
}

// TestPasswords holds that passwords in statements are not kept.
func TestPasswords(t *testing.T) {
	for _, text := range []string{
		"CREATE USER a IDENTIFIED BY 'hunter2'", "create user a identified by hunter2",
		"alter user a identified by \"hunter2\"", "SET PASSWORD FOR a = PASSWORD('hunter2')",
		"alter role a with password $$hunter2$$", "select dblink('host=x password=hunter2', 'select 1')",
		"GRANT ALL ON *.* TO a IDENTIFIED BY 'hunter2", "create user a PASSWORD E'hunter2'",
	} {
		var x dbText
		if x.set([]byte(text), len(text), dbQuotes{}); !x.secret || bytes.Contains(x.text[:], []byte("hunter2")) {
			t.Errorf("%q is kept as %q", text, x.text[:x.length])
		}
	}
	var x dbText
	if x.set([]byte("select 'hunter2'"), 16, dbQuotes{}); x.secret {
		t.Error("a statement without a password is taken for one that has one")
	}
}

// TestVerb holds what statements begin with.
func TestVerb(t *testing.T) {
	for text, want := range map[string]string{
		"select 1": "SELECT", " \n(select 1)": "SELECT", "/* a */ -- b\nUpdate x": "UPDATE", "": "", "1": "",
		"/* never ends": "", ";;begin": "BEGIN", "#x\nset a=1": "SET",
	} {
		var word [24]byte
		if got := string(word[:dbVerb(word[:], []byte(text))]); got != want {
			t.Errorf("%q begins with %q, want %q", text, got, want)
		}
	}
}

// TestStatements holds that the statement that was not used for longest makes room.
func TestStatements(t *testing.T) {
	var all dbStatements
	var x dbText
	for key := range uint64(20) {
		x.set([]byte{byte('a' + key)}, 1, dbQuotes{})
		all.put(key, &x)
		all.find(2)
	}
	for key, want := range map[uint64]string{2: "c", 19: "t", 4: "", 3: "", 99: ""} {
		got := ""
		if p := all.find(key); p != nil {
			got = string(p.text[:p.length])
		}
		if got != want {
			t.Errorf("statement %d is %q, want %q", key, got, want)
		}
	}
	if all.drop(2); all.find(2) != nil {
		t.Error("a statement is there after it was dropped")
	}
}
