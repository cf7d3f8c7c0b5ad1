// A sender of frames of 60 octets at a rate. What the other side has no room for is refused, and lost.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

enum { PIECE = 32, LENGTH = 60, STRIDE = 64 };

struct sender {
	uint16_t port;
	struct rte_mempool *pool;
	uint64_t sent, refused;
};

static int open_sender(const char *device, struct sender *s)
{
	struct rte_eth_conf conf = { 0 };
	char name[64] = { 0 };
	int err = rte_dev_probe(device);

	strncpy(name, device, sizeof(name) - 1);
	name[strcspn(name, ",")] = 0;
	if (err == 0)
		err = rte_eth_dev_get_port_by_name(name, &s->port);
	s->pool = rte_pktmbuf_pool_create("sender", 8191, 64, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (err == 0)
		err = s->pool == NULL ? -1 : rte_eth_dev_configure(s->port, 1, 1, &conf);
	if (err == 0)
		err = rte_eth_rx_queue_setup(s->port, 0, 1024, SOCKET_ID_ANY, NULL, s->pool);
	if (err == 0)
		err = rte_eth_tx_queue_setup(s->port, 0, 1024, SOCKET_ID_ANY, NULL);
	return err == 0 ? rte_eth_dev_start(s->port) : err;
}

static int is_up(struct sender *s)
{
	struct rte_eth_link l = { 0 };

	return rte_eth_link_get_nowait(s->port, &l) == 0 && l.link_status;
}

static void send_for(struct sender *s, const uint8_t *frames, uint64_t n, double pps, double seconds)
{
	double hz = rte_get_tsc_hz();
	uint64_t begin = rte_get_tsc_cycles(), end = begin + (uint64_t)(seconds * hz), next = 0;
	uint64_t count = 0;
	struct rte_mbuf *m[PIECE];

	while ((next = begin + (uint64_t)(count / pps * hz)) < end) {
		while (rte_get_tsc_cycles() < next)
			rte_pause();
		if (rte_pktmbuf_alloc_bulk(s->pool, m, PIECE) != 0)
			continue;
		for (int i = 0; i < PIECE; i++) {
			memcpy(rte_pktmbuf_mtod(m[i], void *), frames + (count + i) % n * STRIDE, LENGTH);
			m[i]->pkt_len = m[i]->data_len = LENGTH;
		}
		uint16_t done = rte_eth_tx_burst(s->port, 0, m, PIECE);
		rte_pktmbuf_free_bulk(m + done, PIECE - done);
		s->sent += done;
		s->refused += PIECE - done;
		count += PIECE;
	}
}

static void close_sender(struct sender *s)
{
	rte_eth_dev_stop(s->port);
	rte_eth_dev_close(s->port);
}
