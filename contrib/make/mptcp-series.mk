# SPDX-License-Identifier: MIT
#
# Patches a kernel source tree with an mptcp-series queue, once, before it is configured:
#
#     KERNEL_DIR = $(CURDIR)/linux
#     MPTCP_SERIES_DIR = /srv/mptcp/series/mptcp-5.15
#     MPTCP_SERIES_FLAGS = --source /srv/linux-stable.git
#     include mptcp-series.mk
#     $(KERNEL_DIR)/.config: $(MPTCP_SERIES_STAMP)
#
# KERNEL_DIR is a plain directory (an unpacked tarball, a vendor's SDK). Every status but 0 stops make; the tree is then
# as it was. When the series or an override changes, the tree must be unpacked again: a queue is not put on top of an
# older one, and the command says so.

MPTCP_SERIES ?= mptcp-series
MPTCP_SERIES_FLAGS ?=
MPTCP_SERIES_STAMP = $(KERNEL_DIR)/.stamp_mptcp_series

ifeq ($(strip $(KERNEL_DIR)),)
$(error KERNEL_DIR is empty: it names the kernel's source directory)
endif
ifeq ($(strip $(MPTCP_SERIES_DIR)),)
$(error MPTCP_SERIES_DIR is empty: it names the directory of the series)
endif

mptcp_series_name = $(notdir $(patsubst %/,%,$(MPTCP_SERIES_DIR)))
mptcp_series_inputs = $(wildcard $(MPTCP_SERIES_DIR)/series $(MPTCP_SERIES_DIR)/recipe.toml $(MPTCP_SERIES_DIR)/*.patch \
	$(MPTCP_SERIES_DIR)/../../overrides/$(mptcp_series_name)/*.patch)

$(MPTCP_SERIES_STAMP): $(mptcp_series_inputs)
	$(MPTCP_SERIES) apply --quiet --repo $(KERNEL_DIR) --series $(MPTCP_SERIES_DIR) $(MPTCP_SERIES_FLAGS)
	touch $@
