/* SPDX-License-Identifier: GPL-2.0 */
/* What the guest program and the module cost.ko say to each other. */
#ifndef COST_H
#define COST_H

#define COST_MOST_PAGES 512

enum cost_call { COST_EMPTY, COST_FAST, COST_SLOW };

struct cost_request {
	unsigned long long address;
	unsigned int pages;
	unsigned int call;
	unsigned int write;
	int got;			/* out: pages got, or an error */
	unsigned long long instructions;	/* out */
};

#endif
