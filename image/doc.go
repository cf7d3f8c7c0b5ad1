// Package image builds the appliance image (build) and, in its tests, starts it in emulated machines.
package image
