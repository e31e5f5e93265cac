import { CHANGED_MEANWHILE, SourceError } from "../../api/source";

/** Applies a change and reloads; if someone else was faster, their version is loaded and the error is thrown. */
export async function changed(change: () => Promise<unknown>, reload: () => Promise<void>): Promise<void> {
  try {
    await change();
  } catch (error) {
    if (error instanceof SourceError && error.status === CHANGED_MEANWHILE) await reload();
    throw error;
  }
  await reload();
}
