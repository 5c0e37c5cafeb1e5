# netlineage: `make help` lists the targets.
# Settings, for example `make test CC=clang OPT=-O3 BUILD=build-clang`: CC, OPT, CFLAGS, OMP=0 (no threads), BUILD, JOBS,
# WITH_MPI=1 (searches under mpirun; Debian's libopenmpi-dev).
ifeq ($(origin CC),default)
CC      := gcc
endif
OMP     ?= 1
BUILD   ?= build$(if $(filter 0,$(OMP)),-noomp)
OPT     ?= -O2
SIMD_OPT ?= -O3
JOBS    ?= $(shell nproc)
PREFIX  ?= /usr/local
PROFILE ?= quick
ifneq ($(filter / . .. ./ ../ ,$(or $(BUILD),.))$(word 2,$(BUILD)),)
$(error BUILD must name one folder of its own, found "$(BUILD)")
endif

ARCH    := $(shell $(CC) -dumpmachine)
WARN    := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
           -Wcast-qual -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wdouble-promotion $(if $(filter 1,$(WERROR)),-Werror)
# Same bits from every compiler: no contraction, no fast-math; kernels ask for fused multiply-adds explicitly.
EXACT   := -ffp-contract=off -fno-math-errno -fno-trapping-math
THREAD_FLAGS := $(if $(filter-out 0,$(OMP)),-pthread -DNLG_THREADS)
# The last word: CFLAGS from outside.
CFLAGS_ALL = -std=gnu11 $(OPT) -g $(WARN) $(EXACT) $(THREAD_FLAGS) $(SAN) -I. -MMD -MP $(CFLAGS)
LINK     = $(CC) $(OPT) $(THREAD_FLAGS) $(SAN) $(CFLAGS) $(LDFLAGS)
# Pictures of layouts; CAIRO=0 builds without.
CAIRO   ?= $(if $(wildcard /usr/include/cairo/cairo-ft.h),1,0)
CAIRO_FLAGS := $(if $(filter-out 0,$(CAIRO)),-DNLG_CAIRO -isystem /usr/include/cairo -isystem /usr/include/freetype2)
CAIRO_LIBS  := $(if $(filter-out 0,$(CAIRO)),-lcairo -lfreetype)
LDLIBS  := $(CAIRO_LIBS) -lcjson -lsqlite3 -ljpeg -lpng -lz -lcrypto -ldl -lm
ifeq ($(WITH_MPI),1)
MPICC   ?= mpicc
MPI_FLAGS := -DNLG_MPI $(patsubst -I%,-isystem %,$(shell $(MPICC) --showme:compile))
MPI_LIBS  := $(shell $(MPICC) --showme:link)
$(if $(MPI_LIBS),,$(error WITH_MPI=1 needs OpenMPI's compiler wrapper $(MPICC): install libopenmpi-dev and openmpi-bin))
LDLIBS  += $(MPI_LIBS)
endif
COMMIT  ?= $(shell git --no-optional-locks describe --always --dirty --exclude '*' --abbrev=12 2>/dev/null || echo unknown)

# --- what is built ---------------------------------------------------------------------------------------------------

# One static library per folder, sources by wildcard. The order is the link order: users first.
FOLDERS := harness search models train datasets layers/graph layers/ops layers/kernels layers/base
MAINS   := harness/main.c
ROOMS_harness := query commands measures plans claims report
ROOMS_search  := spaces spaces/common strategies strategies/common evaluators layouts parallel store
sources  = $(filter-out $(MAINS),$(wildcard $(1)/*.c $(foreach r,$(ROOMS_$(subst /,_,$(1))),$(1)/$(r)/*.c)))
objects  = $(patsubst %.c,$(BUILD)/%.o,$(call sources,$(1)))
library  = $(BUILD)/libnlg_$(subst /,_,$(1)).a
LIBS    := $(foreach f,$(FOLDERS),$(call library,$(f)))

# layers/kernels/simd/*.c are compiled once per instruction set from the same source.
SIMD    := $(wildcard layers/kernels/simd/*.c)
ISAS    := portable $(if $(filter x86_64%,$(ARCH)),avx2 avx512) $(if $(filter aarch64%,$(ARCH)),neon)
FLAGS_portable := -DNLG_ISA=portable -DNLG_ISA_LEVEL=0
FLAGS_neon     := -DNLG_ISA=neon -DNLG_ISA_LEVEL=1
FLAGS_avx2     := -DNLG_ISA=avx2 -DNLG_ISA_LEVEL=2 -mavx2 -mfma
# EMULATE=avx512 runs the 512-bit form on CPUs without it, through SIMDe (Debian's libsimde-dev): for tests.
FLAGS_avx512   := -DNLG_ISA=avx512 -DNLG_ISA_LEVEL=3 $(if $(EMULATE),-Itests/emulated -Wno-psabi -mavx2 -mfma,-mavx512f -mavx512vl -mavx512bw -mavx512dq -mavx2 -mfma -mprefer-vector-width=512)
SIMD_OBJECTS := $(foreach i,$(ISAS),$(patsubst %.c,$(BUILD)/%.$(i).o,$(SIMD)))

# build/reference answers questions on standard input with the library's own values: for tests and for comparing with peers.
ORACLE   := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/oracle/*.c))
PROGRAMS := $(BUILD)/lineage $(BUILD)/reference
# tests/test_TOPIC.c are programs; what they share lies in the other files of tests/.
TESTS    := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))
# T="base kernels" picks tests/test_base.c and tests/test_kernels.c.
CHOSEN   := $(if $(T),$(patsubst %,$(BUILD)/tests/test_%,$(T)),$(TESTS))
TEST_LIB := $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(wildcard tests/test_*.c) tests/oracle/reference.c,$(wildcard tests/*.c tests/oracle/*.c)))

# A sub-make, so that plain `make` uses every core while an outer -j is kept.
MAKE_JOBS = +@$(MAKE) --no-print-directory $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(JOBS))

.PHONY: all
all: setup-quiet ## build lineage and reference (the default)
	$(MAKE_JOBS) programs

.PHONY: programs build-tests FORCE
programs: $(PROGRAMS)
build-tests: $(PROGRAMS) $(CHOSEN)

# Stamps change only when their text does: other flags rebuild everything, another commit one file, another list of sources the
# libraries.
$(BUILD)/stamp-flags: export TEXT = $(CC) $(shell $(CC) --version | head -n 1) $(CFLAGS_ALL) $(SIMD_OPT) $(LDFLAGS) $(MPI_FLAGS) $(CAIRO_FLAGS)
$(BUILD)/stamp-commit: export TEXT = $(COMMIT)
$(BUILD)/stamp-sources: export TEXT = $(foreach f,$(FOLDERS),$(call sources,$(f))) $(SIMD) $(ISAS) $(TEST_LIB) $(ORACLE)
$(BUILD)/stamp-%: FORCE
	@mkdir -p $(@D); printf '%s\n' "$$TEXT" | cmp -s - $@ || printf '%s\n' "$$TEXT" > $@
.PRECIOUS: $(BUILD)/stamp-%

$(BUILD)/harness/build_info.o: $(BUILD)/stamp-commit
$(BUILD)/harness/build_info.o: CFLAGS_ALL += -DNLG_COMMIT='"$(COMMIT)"' -DNLG_FLAGS='"$(strip $(OPT) $(EXACT) $(THREAD_FLAGS) $(SAN) $(CFLAGS))"'

# Loops in plain C that gcc turns into vector code at this level only.
$(BUILD)/search/strategies/common/controller.o: CFLAGS_ALL += $(SIMD_OPT)
$(BUILD)/search/layouts/picture.o: CFLAGS_ALL += $(CAIRO_FLAGS)
$(BUILD)/search/layouts/loss.o: CFLAGS_ALL += $(SIMD_OPT)
$(BUILD)/search/parallel/ranks.o: CFLAGS_ALL += $(MPI_FLAGS)
$(BUILD)/search/store/schema.o: search/store/schema.sql
$(BUILD)/harness/query/views.o: harness/query/views.sql

$(BUILD)/stamp-prefix: export TEXT = $(PREFIX)
$(BUILD)/layers/base/share.o: $(BUILD)/stamp-prefix
$(BUILD)/layers/base/share.o: CFLAGS_ALL += -DNLG_PREFIX='"$(PREFIX)"'

$(BUILD)/layers/base/cpu.o: CFLAGS_ALL += $(if $(EMULATE),-DNLG_EMULATED_AVX512)

$(BUILD)/%.o: %.c $(BUILD)/stamp-flags
	@mkdir -p $(@D); echo "CC $<"; $(CC) $(CFLAGS_ALL) -c $< -o $@
define simd_rule
$(BUILD)/layers/kernels/simd/%.$(1).o: layers/kernels/simd/%.c $(BUILD)/stamp-flags
	@mkdir -p $$(@D); echo "CC $$< ($(1))"; $$(CC) $$(CFLAGS_ALL) $$(SIMD_OPT) $$(FLAGS_$(1)) -c $$< -o $$@
endef
$(foreach i,$(ISAS),$(eval $(call simd_rule,$(i))))

define library_rule
$(call library,$(1)): $(call objects,$(1)) $(if $(filter layers/kernels,$(1)),$(SIMD_OBJECTS)) $(BUILD)/stamp-sources
	@rm -f $$@; ar rcs $$@ $$(filter %.o,$$^)
endef
$(foreach f,$(FOLDERS),$(eval $(call library_rule,$(f))))

$(BUILD)/lineage: $(BUILD)/harness/main.o $(LIBS)
	@echo "LD $@"; $(LINK) $< -o $@ $(LIBS) $(LDLIBS)
$(BUILD)/reference: $(ORACLE) $(LIBS)
	@echo "LD $@"; $(LINK) $(ORACLE) -o $@ $(LIBS) $(LDLIBS)
$(BUILD)/tests/test_%: $(BUILD)/tests/test_%.o $(TEST_LIB) $(LIBS)
	@echo "LD $@"; $(LINK) $< $(TEST_LIB) -o $@ $(LIBS) -lcmocka $(LDLIBS)
.SECONDARY: $(patsubst tests/%.c,$(BUILD)/tests/%.o,$(wildcard tests/test_*.c))

-include $(shell find $(BUILD) -type f -name '*.d' 2>/dev/null)

# --- setup and tests -------------------------------------------------------------------------------------------------

.PHONY: setup setup-quiet
setup: ## install the Debian packages that are missing (as root; else print the command)
	@tests/tools/setup.sh
setup-quiet:
	@tests/tools/setup.sh --quiet


.PHONY: test test-san test-tsan test-emulated test-arm test-valgrind run-tests
test: setup-quiet ## build and run every test; T="base kernels" picks some
	$(MAKE_JOBS) build-tests
	@NLG_BUILD=$(BUILD) tests/tools/run_tests.sh $(CHOSEN)

SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
test-san: ## the tests with address, undefined-behaviour and leak checks
	+@ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
	  NLG_SLOWER=$${NLG_SLOWER:-4} $(MAKE) --no-print-directory test BUILD=$(BUILD)-san OPT=-O1 SIMD_OPT=-O1 SAN="$(SANITIZERS)"

# The team of threads and what splits work over it; steady has an allocator of its own, which this checker cannot have beside it.
TSAN_TESTS ?= base digests graph
FIXED_ADDRESSES = $(shell setarch -R true 2>/dev/null && echo setarch -R) # gcc 12's checker fails where they are very random
test-tsan: ## a subset of the tests with a check for data races
	+@NLG_SLOWER=$${NLG_SLOWER:-20} $(FIXED_ADDRESSES) $(MAKE) --no-print-directory test BUILD=$(BUILD)-tsan OPT=-O1 SIMD_OPT=-O1 SAN="-fsanitize=thread" \
	  T="$(TSAN_TESTS)"

# What depends on the instruction set, with the 512-bit form emulated.
EMULATED_TESTS ?= vec vmath kernels conv ops training
test-emulated: ## tests of the AVX-512 kernels on a CPU without AVX-512 (needs libsimde-dev)
	+@$(MAKE) --no-print-directory test BUILD=$(BUILD)-emulated EMULATE=avx512 NLG_SLOWER=$${NLG_SLOWER:-4} T="$(EMULATED_TESTS)"

# 64-bit Arm on this machine: built with a cross compiler, run by an emulator. ARM_CC="clang --target=aarch64-linux-gnu" works too.
ARM_CC    ?= aarch64-linux-gnu-gcc
ARM_ROOT  := $(BUILD)-arm/sysroot
ARM_TESTS ?= vec vmath kernels conv digests
ARM_DIGESTS ?= lenet5_small resnet8_small
test-arm: ## tests of the NEON kernels under qemu-aarch64 (installs the cross compiler and the emulator as root)
	@tests/tools/arm_sysroot.sh $(ARM_ROOT)
	+@NLG_RUNNER="qemu-aarch64 -L $(ARM_ROOT)" NLG_SLOWER=$${NLG_SLOWER:-8} NLG_DIGESTS="$(ARM_DIGESTS)" \
	  $(MAKE) --no-print-directory test BUILD=$(BUILD)-arm CC="$(ARM_CC) --sysroot=$(ARM_ROOT)" CAIRO=0 T="$(ARM_TESTS)"

# A subset: programs that finish within a minute under valgrind.
VALGRIND_TESTS ?= base stats
test-valgrind: ## a subset of the tests under valgrind
	+@NLG_RUNNER="valgrind -q --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --error-exitcode=99" NLG_SLOWER=20 \
	  $(MAKE) --no-print-directory test T="$(VALGRIND_TESTS)"

# Tools of tests/faults.sh; the library that makes allocations fail is for plain builds.
$(BUILD)/faults/failing_memory.so: tests/faults/failing_memory.c
	@mkdir -p $(@D); echo "CC $<"; $(CC) -std=gnu11 -O2 $(WARN) -fPIC -shared $< -o $@
$(BUILD)/faults/print_store: tests/faults/print_store.c
	@mkdir -p $(@D); echo "CC $<"; $(CC) -std=gnu11 -O2 $(WARN) $< -o $@ -lsqlite3
.PHONY: faults
faults: setup-quiet ## break memory, disk and process on purpose: FAULTS="memory disk kill", POINTS, KILLS (needs strace, procps)
	$(MAKE_JOBS) programs $(BUILD)/faults/failing_memory.so $(BUILD)/faults/print_store
	@tests/faults.sh $(BUILD) $(FAULTS)

# Fuzzing with clang's libFuzzer: what reads is instrumented, kernels are not. tests/fuzz/run.sh names the readers.
FUZZ_SECONDS ?= 60
FUZZ_SEED ?= 0
FUZZ_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/fuzz/*.c) $(filter-out tests/oracle/reference.c,$(wildcard tests/oracle/*.c)))
.PHONY: fuzz fuzz-program
fuzz: setup-quiet ## feed made-up files to every reader, FUZZ_SECONDS each; READERS="weights store" picks some (needs clang)
	$(MAKE_JOBS) fuzz-program BUILD=$(BUILD)-fuzz CC=clang OMP=0 OPT=-O1 SIMD_OPT=-O1 FUZZ=1
	@FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_SEED=$(FUZZ_SEED) tests/fuzz/run.sh $(BUILD)-fuzz $(READERS)
fuzz-program: $(BUILD)/fuzz/fuzz $(BUILD)/lineage
ifeq ($(FUZZ),1)
CHECKED := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
$(foreach f,harness search models train datasets layers/base layers/graph tests,$(eval $(BUILD)/$(f)/%.o: SAN = $(CHECKED)))
LINK    += -fsanitize=address,undefined
endif
$(BUILD)/fuzz/fuzz: $(FUZZ_OBJECTS) $(LIBS)
	@mkdir -p $(@D); echo "LD $@"; $(LINK) -fsanitize=fuzzer $(FUZZ_OBJECTS) -o $@ $(LIBS) $(LDLIBS)

.PHONY: digests
digests: setup-quiet ## record the digests of short runs anew, after NLG_NUMERICS_VERSION was raised
	$(MAKE_JOBS) build-tests T=digests
	@NLG_WRITE_DIGESTS=1 $(BUILD)/tests/test_digests

.PHONY: format format-check deps-check
C_FILES = $(shell git ls-files -co --exclude-standard '*.c' '*.h')
format: ## format all C files (clang-format 14)
	@clang-format -i $(C_FILES)
format-check: ## fail where `make format` would change something
	@clang-format --dry-run -Werror $(C_FILES)
deps-check: ## fail on an include against the order of the folders
	@tests/tools/deps_check.sh

# --- results ---------------------------------------------------------------------------------------------------------

.PHONY: reproduce smoke figures reference count search bench-peers
reproduce: setup ## shipped records checked and the cheapest claims run here, charts, report: PROFILE=quick (default), smoke, full; LIVE=1
	+@$(MAKE) --no-print-directory all
	@$(BUILD)/lineage run --profile $(PROFILE) $(if $(LIVE),--live) $(if $(SEED),--seed $(SEED))
	@$(BUILD)/lineage report --profile $(PROFILE) $(if $(LIVE),--live)
smoke: ## reproduce with the smallest profile
	+@$(MAKE) --no-print-directory reproduce PROFILE=smoke
figures: all ## write tables, figures and report again from the stored results of PROFILE
	@$(BUILD)/lineage report --profile $(PROFILE) $(if $(LIVE),--live)
# FIGURE:EXPERIMENT that README.md may show.
README_FIGURES := accuracy-macs:human-vs-searched search-anytime:pnas-efficiency
reference: all ## write claims.json and the charts of README.md from the shipped records, in results/reference
	@$(BUILD)/lineage report --claims results/reference/claims.json
	@for f in $(README_FIGURES); do [ ! -e results/reference/$${f#*:}.records.gz ] || \
	  $(BUILD)/lineage plot $${f%:*} --experiment $${f#*:} --shipped --out results/reference/$${f%:*}.svg || exit 1; done
count: all ## parameters and multiply-adds of every network
	@$(BUILD)/lineage count --all
search: all ## a small search: regularised evolution in the NASNet cell space
	@$(BUILD)/lineage search --space nasnet_small --strategy evolution --evaluator train --budget 20 --seed 1 \
	  --store $(BUILD)/search.sqlite
bench-peers: all ## compare the speed with other programs: PEERS_PYTHON=VENV/bin/python [NETS= MODES= THREADS= BATCH= BENCH_SECONDS= TURNS=]
	@tests/tools/bench_peers.sh $(BUILD)

# --- the rest --------------------------------------------------------------------------------------------------------

.PHONY: size install uninstall clean help
size: ## lines of code per folder
	@for f in layers/base layers/kernels layers/ops layers/graph train datasets models search harness plots tests; do \
	  printf '%7d  %s\n' "$$(git ls-files -co --exclude-standard -- "$$f" | grep -E '\.(c|h|def|sh|gp)$$' | xargs -r cat | wc -l)" "$$f"; \
	done | awk '{ print; sum += $$1 } END { printf "%7d  in all\n", sum }'
install: all ## program, its files, man pages and bash completion under PREFIX (default /usr/local)
	@tests/tools/install.sh $(BUILD) "$(DESTDIR)$(PREFIX)"
uninstall: ## remove what install puts there
	@tests/tools/install.sh --remove "$(DESTDIR)$(PREFIX)"
clean: ## remove the build folders; results stay
	@for d in $(BUILD) $(BUILD)-*; do if [ -f "$$d/stamp-flags" ]; then echo "rm -r $$d"; rm -rf -- "$$d"; fi; done
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
