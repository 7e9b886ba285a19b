export { openStorage, type Storage, type StorageOptions } from "./storage.ts";
