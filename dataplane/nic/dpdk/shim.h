// What Go cannot reach: macros, thread-local variables, bit fields.
#include <stdio.h>
#include <stdlib.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <rte_malloc.h>
#include "burst.h"

// last_error returns what the last failed call of this thread left behind.
static inline int last_error(void)
{
	return rte_errno;
}

// link_state reads the state of a link without waiting for it.
static inline int link_state(uint16_t port, uint32_t *mbps, uint8_t *up, uint8_t *full)
{
	struct rte_eth_link l = { 0 };
	int err = rte_eth_link_get_nowait(port, &l);

	*mbps = l.link_speed;
	*up = l.link_status;
	*full = l.link_duplex;
	return err;
}

// count_losses reads the totals of a port into memory of the caller.
static inline int count_losses(uint16_t port, struct losses *l)
{
	struct rte_eth_stats s = { 0 };
	int err = rte_eth_stats_get(port, &s);

	*l = (struct losses){ s.imissed, s.rx_nombuf, s.ierrors, s.ipackets };
	return err;
}

// divert makes the C library's standard output another stream, and returns what it was:
// the EAL prints its usage there when an argument is wrong.
static inline FILE *divert(FILE *to)
{
	FILE *old = stdout;

	stdout = to;
	return old;
}
