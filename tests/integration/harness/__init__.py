# SPDX-License-Identifier: Apache-2.0
"""A real httpd, a scripted origin and a client that counts bytes."""
