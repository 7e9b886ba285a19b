export {
  type AcceptedUpload,
  acceptUpload,
  discardObject,
  type FileServices,
  storeObject,
  type UploadRequest,
} from "./accept-upload.ts";
export { assertSearchable, deleteFile, getFile } from "./manage-files.ts";
export { sweepObjects } from "./sweep-objects.ts";
