package main

import (
	"log/slog"
	"os"

	"github.com/weir-probe/weir/ctrlplane/config"
)

// newLogger logs to the standard error as the configuration says.
func newLogger(cfg *config.Config) *slog.Logger {
	var level slog.Level
	if level.UnmarshalText([]byte(cfg.Log.Level)) != nil {
		level = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: level}
	if cfg.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}
