export {
  type AcceptedUpload,
  acceptUpload,
  discardObject,
  type FileServices,
  type StoredObject,
  storeObject,
  type UploadRequest,
} from "./accept-upload.ts";
export { deleteFile, getFile, listFiles } from "./manage-files.ts";
export { sweepObjects } from "./sweep-objects.ts";
