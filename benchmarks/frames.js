// Notes every draw call of points: when it was asked for, and when the graphics process had carried it out.
window.__frames = [];
window.__begun = 0;
{
  const { drawArrays } = WebGL2RenderingContext.prototype;
  WebGL2RenderingContext.prototype.drawArrays = function (mode, first, count) {
    drawArrays.call(this, mode, first, count);
    if (mode !== this.POINTS) return;
    const frame = { points: count, asked: performance.now(), drawn: null };
    window.__frames.push(frame);
    const fence = this.fenceSync(this.SYNC_GPU_COMMANDS_COMPLETE, 0);
    this.flush();
    const channel = new MessageChannel(); // not setTimeout, which waits 4 ms after some turns
    channel.port1.onmessage = () => {
      if (!this.isContextLost() && this.getSyncParameter(fence, this.SYNC_STATUS) !== this.SIGNALED) {
        setTimeout(() => channel.port2.postMessage(null), 1);
        return;
      }
      frame.drawn = performance.now();
      channel.port1.close(); // an open port would keep the canvas and its page for ever
    };
    channel.port2.postMessage(null);
  };
}
