import {
  type FileContent,
  type FileStatus,
  fileContentSchema,
  filePageSchema,
  fileSchema,
  type File as GenqFile,
} from "@genq/contract";
import { eachItem, type Page } from "./pages.ts";
import { parseAnswer } from "./parse-answer.ts";
import type { Transport } from "./transport.ts";

export interface FileFilter {
  chatId?: string;
  status?: FileStatus;
  /** Rows per request, 1 to 100. */
  pageSize?: number;
}

interface CallOptions {
  signal?: AbortSignal;
}

export interface Files {
  /** The caller's files, newest first, fetched page by page. */
  list(filter?: FileFilter, options?: CallOptions): AsyncGenerator<GenqFile, void, void>;
  /** One page; `cursor` is the `next_cursor` of the page before. */
  page(filter?: FileFilter & { cursor?: string }, options?: CallOptions): Promise<Page<GenqFile>>;
  get(id: string, options?: CallOptions): Promise<GenqFile>;
  /** Deletes the file with its vectors; running work on it is canceled. */
  delete(id: string, options?: CallOptions): Promise<void>;
  /** A signed URL of the content, valid for a short time. */
  contentUrl(id: string, options?: CallOptions): Promise<FileContent>;
}

export function createFiles(transport: Transport): Files {
  const page: Files["page"] = async (filter = {}, options = {}) => {
    const query = {
      chat_id: filter.chatId,
      status: filter.status,
      limit: filter.pageSize,
      cursor: filter.cursor,
    };
    return parseAnswer(
      await transport.send({ method: "GET", path: "/files", query, ...options }),
      filePageSchema,
    );
  };
  return {
    page,
    list: (filter = {}, options) =>
      eachItem((cursor) => page({ ...filter, ...(cursor === undefined ? {} : { cursor }) }, options)),
    get: async (id, options) =>
      parseAnswer(await transport.send({ method: "GET", path: filePath(id), ...options }), fileSchema),
    delete: async (id, options) => {
      await transport.send({ method: "DELETE", path: filePath(id), ...options });
    },
    contentUrl: async (id, options) =>
      parseAnswer(
        await transport.send({ method: "GET", path: `${filePath(id)}/content`, ...options }),
        fileContentSchema,
      ),
  };
}

function filePath(id: string): string {
  return `/files/${encodeURIComponent(id)}`;
}
