// Litmus tests on Relacy, which tries every schedule and every value that C++11 lets a read have.
//
// Standard input holds one test a line: the number of threads, and of each thread a word.  The
// operations of a word are separated by commas: a letter, a place, a value and an order.
//   R read, W write, X exchange, A fetch_add, F fence; r relaxed, a acquire, l release, s seq_cst
// Printed is a line a test: every outcome, which is the digits of what the reads of the first
// thread saw, then of the second, and so on.  Nothing may be allocated inside a test: Relacy would
// take it for the program's own.

#include <cstring>
#include <iostream>
#include <relacy/relacy.hpp>
#include <sstream>

namespace {
struct Operation { char does; int place; int value; rl::memory_order order; int reg; };
const int MOST = 8, PLACES = 3, OUTCOMES = 1 << 18;  // six reads of values below eight
Operation program[3][MOST];
int length[3], registers;
bool seen[OUTCOMES];

rl::memory_order order_of(char c) {
  return c == 'a' ? rl::mo_acquire : c == 'l' ? rl::mo_release : c == 's' ? rl::mo_seq_cst : rl::mo_relaxed;
}

template <int N> struct Test : rl::test_suite<Test<N>, N> {
  rl::atomic<int> at[PLACES];
  int saw[6];
  void before() { for (int n = 0; n < PLACES; n++) at[n].store(0, rl::mo_relaxed, $); }
  void thread(unsigned me) {
    for (int n = 0; n < length[me]; n++) {
      const Operation& op = program[me][n];
      rl::atomic<int>& place = at[op.place];
      switch (op.does) {
        case 'R': saw[op.reg] = place.load(op.order, $); break;
        case 'W': place.store(op.value, op.order, $); break;
        case 'X': saw[op.reg] = place.exchange(op.value, op.order, $); break;
        case 'A': saw[op.reg] = place.fetch_add(op.value, op.order, $); break;
        case 'F': rl::atomic_thread_fence(op.order, $); break;
      }
    }
  }
  void after() {
    int found = 0;
    for (int n = 0; n < registers; n++) found = found << 3 | saw[n];
    seen[found] = true;
  }
};

template <int N> bool all() {
  rl::test_params asked;
  std::ostringstream quiet;
  asked.search_type = rl::fair_full_search_scheduler_type;
  asked.output_stream = asked.progress_stream = &quiet;
  return rl::simulate<Test<N>>(asked);
}
}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    int threads;
    words >> threads;
    registers = 0;
    std::memset(seen, 0, sizeof seen);
    for (int t = 0; t < threads; t++) {
      std::string word;
      words >> word;
      std::istringstream operations(word);
      length[t] = 0;
      for (std::string op; std::getline(operations, op, ',');) {
        bool reads = std::strchr("RXA", op[0]);
        program[t][length[t]++] = {op[0], op[1] - '0', op[2] - '0', order_of(op[3]), reads ? registers++ : -1};
      }
    }
    if (!(threads == 2 ? all<2>() : all<3>())) return 1;
    for (int n = 0; n < OUTCOMES; n++) {
      if (!seen[n]) continue;
      for (int r = registers; r--;) std::cout << (n >> 3 * r & 7);
      std::cout << ' ';
    }
    std::cout << std::endl;
  }
}
