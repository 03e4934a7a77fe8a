/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCMC_CLIENT_H
#define FCMC_CLIENT_H

/* The rows of ../remote/client.h, on Memcached servers. */

#include "../remote/client.h"

extern const fcr_client_ops_t fcmc_client;

#endif
