import { CHANGED_MEANWHILE, SourceError } from "../../api/source";

/** Carries out a change and reads again; whoever lost a race sees at once what the other one wrote, and is told. */
export async function changed(change: () => Promise<unknown>, reload: () => Promise<void>): Promise<void> {
  try {
    await change();
  } catch (error) {
    if (error instanceof SourceError && error.status === CHANGED_MEANWHILE) await reload();
    throw error;
  }
  await reload();
}
