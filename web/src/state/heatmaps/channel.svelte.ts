import type { Channel } from "../../color/picture";

/** Which channel the pictures of a run of many bands show. */
export class ChannelChoice {
  chosen = $state<Channel>(0);
}
