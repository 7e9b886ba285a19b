export {
  type AcceptedUpload,
  acceptUpload,
  discardObject,
  type FileServices,
  type StoredObject,
  storeObject,
  type UploadRequest,
} from "./accept-upload.ts";
export { assertSearchable, deleteFile, getFile, listFiles } from "./manage-files.ts";
export { sweepObjects } from "./sweep-objects.ts";
