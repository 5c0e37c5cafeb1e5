# netlineage: make help lists the targets.
BUILD   ?= build
CC      ?= gcc
OPT     ?= -O2
OMP     ?= 1
ARCH    := $(shell $(CC) -dumpmachine)
WARN    := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
           -Wcast-qual -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wdouble-promotion
# Same bits from every compiler: no contraction, no fast-math; kernels ask for fused multiply-adds explicitly.
CFLAGS_ALL = -std=gnu11 $(OPT) -g $(WARN) -ffp-contract=off -fno-math-errno -fno-trapping-math -I. $(SAN) $(if $(filter 1,$(OMP)),-fopenmp) \
             -DNLG_COMMIT='"$(COMMIT)"' -MMD -MP $(CFLAGS)
LDLIBS  := -lopenblas -lcjson -lsqlite3 -ljpeg -lpng -lz -lcrypto -lm
COMMIT  := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

# One static library per folder, sources by wildcard. The order is the link order: users first.
FOLDERS := harness search models datasets layers/train layers/graph layers/ops layers/kernels layers/base
sources  = $(filter-out %/main.c %/reference.c,$(wildcard $(1)/*.c $(1)/strategies/*.c $(1)/spaces/*.c))
objects  = $(patsubst %.c,$(BUILD)/%.o,$(call sources,$(1)))

# layers/kernels/simd/*.c are compiled once per instruction set from the same source.
SIMD    := $(wildcard layers/kernels/simd/*.c)
ISAS    := portable $(if $(filter x86_64%,$(ARCH)),avx2 avx512)
FLAGS_portable := -DNLG_ISA=portable -DNLG_ISA_LEVEL=0
FLAGS_avx2     := -DNLG_ISA=avx2 -DNLG_ISA_LEVEL=2 -mavx2 -mfma
FLAGS_avx512   := -DNLG_ISA=avx512 -DNLG_ISA_LEVEL=3 -mavx512f -mavx512vl -mavx512bw -mavx512dq -mavx2 -mfma -mprefer-vector-width=512
SIMD_OBJECTS := $(foreach i,$(ISAS),$(patsubst %.c,$(BUILD)/%.$(i).o,$(SIMD)))

LIBS    := $(foreach f,$(FOLDERS),$(BUILD)/libnlg_$(subst /,_,$(f)).a)
TESTS   := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))

.PHONY: all
all: $(BUILD)/lineage $(BUILD)/reference

define library
$(BUILD)/libnlg_$(subst /,_,$(1)).a: $(call objects,$(1)) $(if $(filter layers/kernels,$(1)),$(SIMD_OBJECTS))
	@rm -f $$@; ar rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call library,$(f))))

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D); echo "CC $<"; $(CC) $(CFLAGS_ALL) -c $< -o $@
define simd_rule
$(BUILD)/layers/kernels/simd/%.$(1).o: layers/kernels/simd/%.c Makefile
	@mkdir -p $$(@D); echo "CC $$< ($(1))"; $(CC) $(CFLAGS_ALL) -O3 $(FLAGS_$(1)) -c $$< -o $$@
endef
$(foreach i,$(ISAS),$(eval $(call simd_rule,$(i))))

$(BUILD)/lineage: $(BUILD)/harness/main.o $(LIBS)
	$(CC) $(CFLAGS_ALL) $< -o $@ $(LIBS) $(LDLIBS)
$(BUILD)/reference: $(BUILD)/harness/reference.o $(LIBS)
	$(CC) $(CFLAGS_ALL) $< -o $@ $(LIBS) $(LDLIBS)
$(BUILD)/tests/%: $(BUILD)/tests/%.o $(LIBS)
	$(CC) $(CFLAGS_ALL) $< -o $@ $(LIBS) -lcmocka $(LDLIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
