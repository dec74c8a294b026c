template <typename T> struct Counter {
    static T count;
    __attribute__((noinline)) static T next() { return count = count + 1; }
};
template <typename T> T Counter<T>::count;

__attribute__((noinline)) inline int twelve(int x) {
    return 12 * x;
}
