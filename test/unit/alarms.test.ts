import { describe, expect, it } from "vitest";
import { Alarms } from "../../src/knockd/alarms.ts";
import { days, milliseconds, seconds } from "../../src/shared/duration.ts";

/** Alarms on a clock and a timer that the test moves. */
function open() {
  let uptime = 5_000;
  let due = Number.POSITIVE_INFINITY;
  let set = 0;
  const rung: string[] = [];
  const alarms: Alarms = new Alarms(
    () => ({ wall: 0, uptime }),
    (after) => {
      set += 1;
      due = uptime + after;
    },
  );
  return {
    alarms,
    rung,
    add: (name: string) => alarms.add(() => rung.push(name)),
    /** How often the timer was set. */
    set: () => set,
    /** Time goes by, and the timer rings when it is over. */
    pass(ms: number) {
      uptime += ms;
      if (uptime < due) return;
      due = Number.POSITIVE_INFINITY;
      alarms.look();
    },
  };
}

describe("the alarms", () => {
  it("ring once, not before their time, and no later than the clock's own step after it", () => {
    const t = open();
    t.add("sweep")(seconds(30));
    t.pass(29_999);
    expect(t.rung).toEqual([]);
    t.pass(11);
    expect(t.rung).toEqual(["sweep"]);
    t.pass(seconds(90));
    expect(t.rung).toEqual(["sweep"]);
  });

  it("ring at the earliest time that was asked for, and the timer is set anew only for an earlier one", () => {
    const t = open();
    const wake = t.add("sweep");
    wake(seconds(30));
    wake(seconds(60));
    wake(seconds(5));
    wake(seconds(10));
    expect(t.set()).toBe(2);
    t.pass(5_010);
    expect(t.rung).toEqual(["sweep"]);
  });

  it("do not hold up one another", () => {
    const t = open();
    const [sweep, names] = [t.add("sweep"), t.add("names")];
    sweep(seconds(30));
    names(seconds(10));
    t.pass(10_010);
    expect(t.rung).toEqual(["names"]);
    names(seconds(40));
    t.pass(20_000);
    expect(t.rung).toEqual(["names", "sweep"]);
    t.pass(20_010);
    expect(t.rung).toEqual(["names", "sweep", "names"]);
  });

  it("may be asked for again by who is being woken", () => {
    const t = open();
    let times = 0;
    const wake = t.alarms.add(() => {
      times += 1;
      wake(seconds(1));
    });
    wake(seconds(1));
    for (let n = 0; n < 3; n += 1) t.pass(1_010);
    expect(times).toBe(3);
  });

  it("ring at once for a time that is no number, and go on", () => {
    const t = open();
    const wake = t.add("sweep");
    wake(milliseconds(Number.NaN));
    t.pass(10);
    wake(seconds(1));
    t.pass(1_010);
    expect(t.rung).toEqual(["sweep", "sweep"]);
  });

  it("ring late rather than never when the time is over already, or a lifetime away", () => {
    const t = open();
    t.add("past")(milliseconds(-5));
    t.pass(10);
    t.add("far")(days(10_000));
    t.pass(days(400));
    expect(t.rung).toEqual(["past"]);
    for (let n = 0; n < 30; n += 1) t.pass(days(400));
    expect(t.rung).toEqual(["past", "far"]);
  });
});
