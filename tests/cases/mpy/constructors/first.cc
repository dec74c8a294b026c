extern "C" int order;
struct Step {
    int number;
    explicit Step(int digit) : number(0) {
        order = 10 * order + digit;
        number = order;
    }
};
static Step first(1), second(2);
Step third(4);
extern "C" int value() {
    return third.number + first.number * 0 + second.number * 0;
}
