package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weir-probe/weir/ctrlplane/manage"
)

// configCommand changes the configuration: a candidate is put or edited, looked at, committed and
// confirmed.
func (k *ctl) configCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Look at the configuration and change it",
		Example: `  weir ctl config get > weir.toml
  weir ctl config edit                          the candidate, with $EDITOR
  weir ctl config diff
  weir ctl config commit -m "new collector" --confirm 10m
  weir ctl config confirm
  weir ctl config rollback 17`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var candidate bool
	get := &cobra.Command{
		Use: "get [VERSION]", Short: "Print the configuration that runs, or an earlier one", Args: arguments(cobra.MaximumNArgs(1)),
		ValidArgsFunction: k.versions(), RunE: func(_ *cobra.Command, a []string) error { return k.get(a, candidate) },
	}
	get.Flags().BoolVar(&candidate, "candidate", false, "print the candidate")
	c.AddCommand(get,
		&cobra.Command{Use: "put FILE", Short: "Make a file the candidate; - is standard input", Args: arguments(cobra.ExactArgs(1)),
			RunE: func(_ *cobra.Command, a []string) error { return k.put(a[0]) }},
		&cobra.Command{Use: "edit", Short: "Edit the candidate, or what runs if there is none", Args: arguments(cobra.NoArgs),
			RunE: func(*cobra.Command, []string) error { return k.edit() }},
		&cobra.Command{Use: "validate FILE", Short: "Judge a file without keeping it; - is standard input", Args: arguments(cobra.ExactArgs(1)),
			RunE: func(_ *cobra.Command, a []string) error { return k.validate(a[0]) }},
		&cobra.Command{Use: "diff [FROM [TO]]", Short: "What the candidate changes, or what differs between two versions",
			Args: arguments(cobra.MaximumNArgs(2)), ValidArgsFunction: k.versions(),
			RunE: func(_ *cobra.Command, a []string) error { return k.diff(a) }},
		&cobra.Command{Use: "discard", Short: "Forget the candidate", Args: arguments(cobra.NoArgs),
			RunE: func(*cobra.Command, []string) error { return k.done("DELETE", "/v1/config/candidate") }},
		&cobra.Command{Use: "confirm", Short: "Keep what was committed to be confirmed", Args: arguments(cobra.NoArgs),
			RunE: func(*cobra.Command, []string) error { return k.commits("/v1/config/confirm", nil) }},
		&cobra.Command{Use: "history", Short: "The versions that can run again", Args: arguments(cobra.NoArgs),
			RunE: func(*cobra.Command, []string) error { return k.history() }},
		k.commitCommand(), k.rollbackCommand())
	return c
}

// versions offers the numbers of versions.
func (k *ctl) versions() func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(c *cobra.Command, _ []string, _ string) (all []string, _ cobra.ShellCompDirective) {
		var h manage.History
		if k.connect(c) == nil {
			k.asJSON = false
			_, _ = k.ask("GET", "/v1/config/history", nil, &h)
		}
		for _, v := range h.Versions {
			all = append(all, fmt.Sprintf("%d\t%s %s", v.Number, v.Who, v.Why))
		}
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

func (k *ctl) commitCommand() *cobra.Command {
	var in manage.Commit
	c := &cobra.Command{
		Use: "commit", Short: "Have the candidate run", Args: arguments(cobra.NoArgs),
		Example: `  weir ctl config commit -m "new collector"
  weir ctl config commit -m "other ports" --restart --confirm 5m     given up unless confirmed`,
		RunE: func(*cobra.Command, []string) error { return k.commits("/v1/config/commit", &in) },
	}
	f := c.Flags()
	f.StringVarP(&in.Why, "message", "m", "", "why, for those who look at the history")
	f.StringVar(&in.Confirm, "confirm", "", "give it up by itself unless it is confirmed within so long, as 10m")
	f.BoolVar(&in.Restart, "restart", false, "restart the dataplane if need be; packets are missed meanwhile")
	f.StringVar(&in.SHA256, "sha256", "", "commit only a candidate with this sum")
	return c
}

func (k *ctl) rollbackCommand() *cobra.Command {
	var in manage.Rollback
	c := &cobra.Command{
		Use: "rollback [VERSION]", Short: "Have an earlier version run again; that before, if none is named",
		Args: arguments(cobra.MaximumNArgs(1)), ValidArgsFunction: k.versions(),
		RunE: func(_ *cobra.Command, a []string) (err error) {
			if len(a) == 1 {
				if in.Version, err = strconv.Atoi(a[0]); err != nil {
					return usagef("%q is no version; history lists them", a[0])
				}
			}
			return k.commits("/v1/config/rollback", &in)
		},
	}
	f := c.Flags()
	f.StringVarP(&in.Why, "message", "m", "", "why, for those who look at the history")
	f.StringVar(&in.Confirm, "confirm", "", "give it up by itself unless it is confirmed within so long, as 10m")
	f.BoolVar(&in.Restart, "restart", false, "restart the dataplane if need be; packets are missed meanwhile")
	return c
}

func (k *ctl) commits(path string, in any) error {
	var c manage.Committed
	if told, err := k.ask("POST", path, in, &c); !told {
		return err
	}
	k.say("version %d runs", c.Version.Number)
	if c.Until != nil {
		k.say("it is given up at %s unless it is confirmed: weir ctl config confirm", when(*c.Until))
	}
	for _, w := range c.Waits {
		k.say("waits for a restart of the dataplane: %s", w)
	}
	return nil
}

func (k *ctl) get(args []string, candidate bool) error {
	path := "/v1/config"
	switch {
	case candidate:
		path = "/v1/config/candidate"
	case len(args) == 1:
		path = "/v1/config/history/" + args[0]
	}
	text, err := k.text("GET", path, nil)
	if err == nil {
		_, err = k.out.Write(text)
	}
	return err
}

// file reads a file, or the standard input.
func (k *ctl) file(path string) (text []byte, err error) {
	if path == "-" {
		return io.ReadAll(k.in)
	}
	if text, err = os.ReadFile(path); err != nil {
		return nil, usageError{err}
	}
	return text, nil
}

// judged reports the mistakes of a configuration as weir check does.
func (k *ctl) judged(method, path, name string, text []byte) error {
	answer, err := k.text(method, path, text)
	if err != nil {
		return err
	}
	if k.asJSON {
		_, err = k.out.Write(answer)
		return err
	}
	var j manage.Judgement
	if err := json.Unmarshal(answer, &j); err != nil {
		return err
	}
	if !j.Valid {
		return usagef("%d %s:%s", len(j.Mistakes), plural(len(j.Mistakes), "mistake"),
			strings.ReplaceAll(listed(j.Mistakes), "\ncandidate", "\n"+name))
	}
	k.say("%s: no mistakes", name)
	return nil
}

func (k *ctl) put(path string) error {
	text, err := k.file(path)
	if err != nil {
		return err
	}
	return k.judged("PUT", "/v1/config/candidate", path, text)
}

func (k *ctl) validate(path string) error {
	text, err := k.file(path)
	if err != nil {
		return err
	}
	return k.judged("POST", "/v1/config/validate", path, text)
}

// edit has somebody edit the candidate.
func (k *ctl) edit() error {
	text, err := k.text("GET", "/v1/config/candidate", nil)
	if err != nil {
		if text, err = k.text("GET", "/v1/config", nil); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "weir-ctl-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "weir.toml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return err
	}
	editor := strings.Fields(or(os.Getenv("VISUAL"), os.Getenv("EDITOR"), "vi"))
	e := exec.Command(editor[0], append(editor[1:], path)...)
	e.Stdin, e.Stdout, e.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := e.Run(); err != nil {
		return fmt.Errorf("editor %s: %w; nothing was changed", editor[0], err)
	}
	edited, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if bytes.Equal(edited, text) {
		k.say("nothing was changed")
		return nil
	}
	if err := k.judged("PUT", "/v1/config/candidate", "candidate", edited); err != nil {
		return errors.Join(err, errors.New("the candidate is kept with its mistakes: edit it again, or discard it"))
	}
	return k.diff(nil)
}

func (k *ctl) diff(args []string) error {
	path := "/v1/config/diff?"
	for i, name := range []string{"from", "to"} {
		if i < len(args) {
			path += name + "=" + args[i] + "&"
		}
	}
	var d manage.Differences
	if told, err := k.ask("GET", strings.TrimRight(path, "?&"), nil, &d); !told {
		return err
	}
	for _, c := range d.Changes {
		needs := ""
		if c.Needs != "" {
			needs = "   (needs a restart of the " + c.Needs + ")"
		}
		switch {
		case c.New == "":
			k.say("- %s%s", c.Key, needs)
		case c.Old == "":
			k.say("+ %s%s", c.Key, needs)
		default:
			k.say("~ %s: %s -> %s%s", c.Key, c.Old, c.New, needs)
		}
	}
	if len(d.Changes) == 0 {
		k.say("nothing differs")
	}
	if len(d.Waits) > 0 {
		k.say("commit --restart restarts the dataplane for: %s", strings.Join(d.Waits, ", "))
	}
	return nil
}

func (k *ctl) history() error {
	var h manage.History
	if told, err := k.ask("GET", "/v1/config/history", nil, &h); !told {
		return err
	}
	w := k.table("VERSION WHEN WHO WHY")
	for _, v := range h.Versions {
		number := strconv.Itoa(v.Number)
		if v.Number == h.Running {
			number += "*"
		}
		fmt.Fprintf(w, "%s %s %s %s\n", number, dash(when(v.When)), dash(v.Who), dash(v.Why))
	}
	return w.flush()
}
