/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCRD_CLIENT_H
#define FCRD_CLIENT_H

#include "../remote/client.h"

/* The client for redis:, rediss: or unix:; they differ in their name. */
const fcr_client_ops_t *fcrd_client(const char *scheme);

#endif
