package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/manage"
	"github.com/weir-probe/weir/ctrlplane/track"
)

// trackCommand keeps packets of subscribers.
func (k *ctl) trackCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "track",
		Short: "Keep all packets of a subscriber, for a time",
		Long: "Keep all packets of a subscriber in a capture file (pcapng): what is sent to and from the addresses and in the\n" +
			"tunnels that signalling gives him, through handovers, until the time or the file is up. It is for administrators,\n" +
			"[subscribers] track_dir says where, and the audit log has who asked for what.",
		Example: `  weir ctl track start 001010000000001 --for 10m --size 64MiB
  weir ctl track list
  weir ctl track stop 1 && weir ctl track fetch 1 user.pcapng && weir ctl track remove 1`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	one := arguments(cobra.ExactArgs(1))
	c.AddCommand(k.trackStart(),
		list(k, "list", "Subscribers whose packets are or were kept, the latest first", "/v1/tracks",
			"ID IMSI BY BEGAN UNTIL ENDED KNOWN PACKETS LOST OCTETS FILE", func(x *track.Track) []any {
				return []any{x.ID, x.IMSI, dash(x.By), dash(when(x.Began)), dash(when(x.Until)), dash(x.Ended), x.Known, x.Packets, x.Lost,
					x.Octets, dash(or(x.Error, x.File))}
			}),
		&cobra.Command{Use: "stop ID", Short: "Keep no more packets", Args: one,
			RunE: func(_ *cobra.Command, a []string) error { return k.done("POST", "/v1/tracks/"+a[0]+"/stop") }},
		&cobra.Command{Use: "fetch ID FILE", Short: "Write the packets of one that has ended to a file here",
			Args: arguments(cobra.ExactArgs(2)), RunE: func(_ *cobra.Command, a []string) error { return k.fetch(a[0], a[1]) }},
		&cobra.Command{Use: "remove ID", Short: "Stop one, and remove its packets", Args: one,
			RunE: func(_ *cobra.Command, a []string) error { return k.done("DELETE", "/v1/tracks/"+a[0]) }},
	)
	return c
}

func (k *ctl) trackStart() *cobra.Command {
	length, size := 10*time.Minute, "64MiB"
	c := &cobra.Command{
		Use: "start IMSI", Short: "Keep all packets of a subscriber from now on", Args: arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, a []string) error {
			n, err := config.ParseSize(size)
			if err != nil {
				return usageError{err}
			}
			var x track.Track
			wish := manage.TrackWish{IMSI: a[0], Size: int64(n), Seconds: length.Seconds()}
			if told, err := k.ask("POST", "/v1/tracks", wish, &x); !told {
				return err
			}
			k.say("track     %d, until %s", x.ID, when(x.Until))
			return nil
		},
	}
	c.Flags().DurationVar(&length, "for", length, "end after so long")
	c.Flags().StringVar(&size, "size", size, "end before the file has more octets")
	return c
}

// fetch writes the packets of a track to a file.
func (k *ctl) fetch(id, path string) error {
	a, err := k.open("GET", "/v1/tracks/"+id+"/capture", nil)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, a.Body); err != nil {
		f.Close()
		return fmt.Errorf("%s: %w", path, err)
	}
	return f.Close()
}
