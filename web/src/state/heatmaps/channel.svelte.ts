import type { Channel } from "../../color/picture";

/** The channel shown for a run with many channels. */
export class ChannelChoice {
  chosen = $state<Channel>(0);
}
