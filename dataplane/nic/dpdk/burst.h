// What is done per burst. It decides nothing: every value it acts upon is set by Go.
#include <stdint.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <rte_memcpy.h>
#include <rte_prefetch.h>

enum { BURST = 64 }; // nic.Max

// frame has the layout of nic.Frame.
struct frame {
	void *data;
	uint32_t len, wire;
	uint64_t time;
	uint32_t hash;
	uint16_t port, link;
};

_Static_assert(sizeof(struct frame) == 32, "two frames fill a cache line");

// clock is a straight line from ticks of a device to nanoseconds since 1970.
struct clock {
	uint64_t ref, base, mult; // base nanoseconds at tick ref; mult per tick, shifted
	uint32_t shift;
};

// losses are totals of a port.
struct losses {
	uint64_t missed, nobuffer, errors, packets;
};

// queue is a receive queue and the burst it last returned. It lives in memory of the
// port's NUMA node and belongs to one worker.
struct queue {
	uint16_t port, id, n;    // n mbufs are lent out
	uint16_t iface, link;    // of every frame
	int32_t stamp;           // where an mbuf keeps its time stamp
	uint64_t stamped;        // flag of an mbuf that has one; 0 for a port without a clock
	uint64_t hashed;         // flag of an mbuf with a symmetric hash; 0 for a port without
	const struct clock *clock;
	uint8_t *linear;         // BURST frames of longest octets
	uint32_t longest, used;
	uint64_t received, cut;
	struct losses losses;
	struct rte_mbuf *mbufs[BURST];
	struct frame frames[BURST] __rte_cache_aligned;
};

// linearise copies a frame that lies in several mbufs into the queue's own memory.
static inline void linearise(struct queue *q, struct frame *f, const struct rte_mbuf *m)
{
	uint8_t *to = q->linear + q->used;
	uint32_t len = 0;

	for (const struct rte_mbuf *s = m; s != NULL && len < q->longest; s = s->next) {
		uint32_t n = RTE_MIN((uint32_t)s->data_len, q->longest - len);
		rte_memcpy(to + len, rte_pktmbuf_mtod(s, const void *), n);
		len += n;
	}
	q->used += len;
	__atomic_store_n(&q->cut, q->cut + (len < m->pkt_len), __ATOMIC_RELAXED);
	f->data = to;
	f->len = len;
}

static inline uint64_t nanoseconds(const struct clock *c, uint64_t tick)
{
	return c->base + (uint64_t)((__int128)(int64_t)(tick - c->ref) * c->mult >> c->shift);
}

// burst frees the previous burst and receives the next.
static inline uint16_t burst(struct queue *q)
{
	const struct clock *clock = __atomic_load_n(&q->clock, __ATOMIC_ACQUIRE);
	uint16_t n;

	rte_pktmbuf_free_bulk(q->mbufs, q->n);
	q->n = n = rte_eth_rx_burst(q->port, q->id, q->mbufs, BURST);
	q->used = 0;
	for (uint16_t i = 0; i < n; i++) {
		const struct rte_mbuf *m = q->mbufs[i];
		struct frame *f = &q->frames[i];

		f->data = rte_pktmbuf_mtod(m, void *);
		rte_prefetch0(f->data);
		f->len = m->data_len;
		f->wire = m->pkt_len;
		f->time = m->ol_flags & q->stamped ?
			nanoseconds(clock, *RTE_MBUF_DYNFIELD(m, q->stamp, const uint64_t *)) : 0;
		f->hash = m->ol_flags & q->hashed ? m->hash.rss : 0;
		f->port = q->iface;
		f->link = q->link;
		if (m->nb_segs > 1)
			linearise(q, f, m);
	}
	__atomic_store_n(&q->received, q->received + n, __ATOMIC_RELAXED);
	return n;
}
