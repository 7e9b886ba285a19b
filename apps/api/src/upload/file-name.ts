import { AppError, fileNameLimit } from "@genq/contract";

/**
 * The name that a user gave a file, fit to be shown and saved under. Names are kept in one Unicode form (NFC), because
 * systems spell the same name in two.
 * @throws AppError invalid_request
 */
export function checkFileName(given: string | undefined): string {
  // Putting thousands of combining marks in order takes quadratic time.
  if ((given?.length ?? 0) > fileNameLimit * 8) throw tooLong();
  const name = (given ?? "").normalize("NFC");
  if (name.trim() === "") throw refuse("is missing");
  if (/\p{Cc}/u.test(name)) throw refuse("must not contain control characters");
  if (/[/\\]/.test(name)) throw refuse("must not contain a path");
  if (name === "." || name === "..") throw refuse("must be a name");
  if ([...name].length > fileNameLimit) throw tooLong();
  return name;
}

function tooLong(): AppError {
  return refuse(`must have ${fileNameLimit} characters at most`);
}

function refuse(message: string): AppError {
  return new AppError("invalid_request", `The file's name ${message}.`, {
    errors: [{ path: "/file/filename", message }],
  });
}
