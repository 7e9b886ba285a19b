import { Worker } from "bullmq";

// For tests, loaded into a process by --import: its workers connect and never fetch, as if BullMQ had stopped in its tracks.
Worker.prototype.run = () => new Promise<void>(() => undefined);
