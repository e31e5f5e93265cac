import type { Term } from "../class/terms";

/** The terms on the page of a finding, in plain words. */
export const FINDING_TERMS = {
  sufficiency: {
    name: "Sufficiency",
    meaning: "The share of fresh hosts that the evidence turns into the class. Fresh hosts took no part in the choice of the samples, so that the number is not inflated.",
  },
  sufficiencyNull: { name: "Sufficiency of the null", meaning: "The share of the same hosts that something else of the same samples turns, inserted in the same way. The evidence has to turn more." },
  necessity: {
    name: "Necessity",
    meaning: "The share of the samples that are no longer predicted as the class when their evidence is removed. It may be small: the rest of a sample often suffices.",
  },
  necessityNull: { name: "Necessity of the null", meaning: "The same when something else of these samples is removed." },
  difference: { name: "Difference", meaning: "Sufficiency minus that of the null, compared sample by sample. If its interval excludes 0, the effect is not chance." },
  specificity: { name: "Specificity", meaning: "How rarely samples of other classes have the evidence: 1 if none has it." },
  othersShare: { name: "Share of other classes", meaning: "The share of the samples of other classes that have the evidence." },
  prevalence: { name: "Share of the class", meaning: "The share of the samples of the class that have the evidence." },
  exclusiveness: { name: "Exclusiveness", meaning: "How much more often the class has the evidence than other classes: near 1 if only the class has it." },
  independence: { name: "Independence", meaning: "1 if samples of the class without the evidence resemble it no more than other classes do, as with a tag; near 0 if it is there in all degrees, as with a part of the object." },
  score: { name: "Score", meaning: "Difference times exclusiveness times independence. From 0.2 on, evidence in at most half of a class is suspicious." },
  turned: { name: "Turned", meaning: "The share of held-out samples of other classes that the evidence turns into the class, before and after the fix. In brackets: the interval of 95 %." },
  reduced: { name: "Reduced", meaning: "The part of the effect of the evidence, beyond that of the rest of the class, which is gone. 100 %: all of it. The goal is at least 80 %." },
  regained: { name: "Regained", meaning: "The part of the accuracy that the evidence took from samples of other classes, and that is back. The goal is at least 80 %." },
  accuracy: {
    name: "Accuracy",
    meaning: "The difference of the accuracy on held-out samples without the evidence, in percentage points. Fixes that train are compared with equal training without the fix. The goal is to lose at most 1 point.",
  },
  ownClass: { name: "Own class", meaning: "The same for the samples of the class of the finding. The goal is to lose at most 3 points." },
  others: { name: "Other classes", meaning: "The other class whose accuracy changes most, in percentage points, and by how many samples it is known. A fix may harm a class that has nothing to do with the finding." },
  clean: { name: "Accuracy", meaning: "The accuracy on held-out samples without the evidence. In brackets: the interval of 95 %." },
  cleanOwn: { name: "Own class", meaning: "The same for the class of the finding." },
  inserted: { name: "Evidence inserted", meaning: "The accuracy on held-out samples of other classes with the evidence inserted. A model that ignores the evidence has about its accuracy without it, apart from what the evidence hides." },
  removed: {
    name: "Evidence removed",
    meaning: "The share of held-out samples with the evidence that are predicted as their label when something of another sample takes its place. Where the evidence was the only reason for the label, it should be small.",
  },
  necessityAfter: { name: "Necessity", meaning: "Of the held-out samples with the evidence that are predicted as their label, the share that no longer is when the evidence is removed." },
  onEvidence: {
    name: "Relevance",
    meaning: "The part of the positive relevance of held-out samples with the evidence that is on it. Unknown for evidence without a place, such as a tint.",
  },
  seconds: { name: "Seconds", meaning: "The time to make the fix." },
} satisfies Record<string, Term>;
