import { describe, expect, it } from "vitest";

import type { Trial } from "../src/api/types";
import { BINS, countShares, describeShares } from "../src/state/finding/bins";
import { points, share, signed, withInterval } from "../src/state/finding/numbers";
import { HOME, formatRoute, parseRoute } from "../src/state/address/route";

const trial = (turned: number, hosts: number, carries: boolean, null_turned = 0): Trial => ({ row: 0, stage: "candidate", hosts, turned, null_turned, carries });

describe("shares of turned hosts", () => {
  it("are counted in bins of which the last includes all hosts", () => {
    const bins = countShares([trial(16, 16, true), trial(15, 16, true), trial(0, 8, false, 1), trial(4, 8, false)]);
    expect(bins).toHaveLength(BINS);
    expect(bins[9]).toEqual({ carriers: 2, others: 0, null: 0 });
    expect(bins[0]).toEqual({ carriers: 0, others: 1, null: 3 });
    expect(bins[1].null).toBe(1); // 1 of 8 is 12.5 %
    expect(bins[5].others).toBe(1);
  });

  it("fall into the bin that begins with them, whatever is the number of hosts", () => {
    for (const hosts of [5, 10, 20, 30]) {
      for (let tenth = 0; tenth < 10; tenth++) {
        const turned = (tenth * hosts) / 10;
        if (Number.isInteger(turned)) expect(countShares([trial(turned, hosts, true)])[tenth].carriers).toBe(1);
      }
    }
  });

  it("are described in words", () => {
    expect(describeShares([trial(8, 8, true, 1)])).toBe(
      "Samples by the share of hosts that turn. Carriers: 1 at 90 to 100 %. Others of the class: none. Null: 1 at 10 to 20 %.",
    );
  });
});

describe("numbers of fixes", () => {
  it("are written as in the report", () => {
    expect(share({ value: 0.904, interval: [0.844, 0.966], n_samples: 80 })).toEqual({ value: "90 %", interval: "[84, 97]" });
    expect(points({ value: -0.012, interval: [-0.031, 0.004], n_samples: 80 })).toEqual({ value: "-1.2", interval: "[-3.1, +0.4]" });
    expect(share(null)).toEqual({ value: "–", interval: "" });
    expect(points({ value: 0.01, interval: null, n_samples: 1 })).toEqual({ value: "+1.0", interval: "" });
    expect([signed(-0.0001), signed(0), signed(1)]).toEqual(["0.0", "0.0", "+100.0"]);
    expect(withInterval({ value: 0.72, interval: [0.68, 0.76], n_samples: 9 })).toBe("0.72 [0.68, 0.76]");
  });
});

it("a page that does not exist is ignored, so that the address keeps the finding", () => {
  expect(parseRoute("#/a?page=nonsense&finding=x")).toEqual({ ...HOME, run: "a", finding: "x" });
  expect(parseRoute("#/a?page=__proto__").page).toBe(null);
  expect(parseRoute("#/a?page=timeline").page).toBe("timeline");
});

it("the address of a finding names it and its search", () => {
  const route = { ...HOME, run: "a", analysis: "spray", finding: "00002-5f0c3a9be1d4", search: "second try" };
  expect(formatRoute(route)).toBe("#/a/spray?finding=00002-5f0c3a9be1d4&search=second+try");
  expect(parseRoute(formatRoute(route))).toEqual(route);
});
