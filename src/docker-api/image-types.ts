/** Images and the streams about them (Engine API 1.41). */
import type { ContainerConfig } from './container-request.ts';

export interface ImageSummary {
  Id: string;
  ParentId: string;
  RepoTags: string[] | null;
  RepoDigests: string[] | null;
  /** Seconds since 1970. */
  Created: number;
  Size: number;
  VirtualSize: number;
  SharedSize: number;
  Labels: Record<string, string> | null;
  /** −1: not counted. */
  Containers: number;
}

export interface ImageInspect {
  Id: string;
  RepoTags: string[];
  RepoDigests: string[];
  Parent: string;
  Comment: string;
  Created: string;
  Container: string;
  /** Of the container it was committed from; clients before 1.45 look into it. */
  ContainerConfig: ImageInspect['Config'];
  DockerVersion: string;
  Author: string;
  Config: { [Key in keyof ContainerConfig]?: ContainerConfig[Key] | null } | null;
  Architecture: string;
  Variant?: string;
  Os: string;
  Size: number;
  VirtualSize: number;
  GraphDriver: { Name: string; Data: Record<string, string> | null };
  RootFS: { Type: string; Layers: string[] };
  Metadata: { LastTagTime: string };
}

export interface ImageDeleteItem {
  Untagged?: string;
  Deleted?: string;
}

/** One line of the streams of images/create, images/load and images/{name}/push. */
export interface ProgressMessage {
  status?: string;
  /** Short layer digest. */
  id?: string;
  /** Rendered bar; clients draw their own from progressDetail. */
  progress?: string;
  progressDetail?: { current?: number; total?: number };
  /** images/load prints through this. */
  stream?: string;
  /** For programs: what a push made. */
  aux?: { Tag: string; Digest: string; Size: number };
  error?: string;
  errorDetail?: { code?: number; message: string };
}

/** One row of GET /images/{name}/history, the newest first. */
export interface HistoryRow {
  /** `<missing>` where that step is no image of its own. */
  Id: string;
  /** Seconds since 1970. */
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  Size: number;
  Comment: string;
}

/** One row of GET /images/search. */
export interface SearchRow {
  name: string;
  description: string;
  star_count: number;
  is_official: boolean;
  is_automated?: boolean;
}

/** POST /images/prune. */
export interface ImagesPruned {
  ImagesDeleted: ImageDeleteItem[] | null;
  /** Bytes. */
  SpaceReclaimed: number;
}

/** POST /auth. */
export interface AuthAnswer {
  Status: string;
  /** To be used in the place of the password; '' where the registry gives none. */
  IdentityToken?: string;
}

/** GET /distribution/{name}/json: what a registry has under a name. */
export interface DistributionInspect {
  /** As daemons answer it; Engine API 1.41's document writes these names with capitals. */
  Descriptor: { mediaType: string; digest: string; size: number };
  Platforms: { architecture: string; os: string; variant?: string }[];
}

/** The decoded X-Registry-Auth header (base64url of this JSON). */
export interface RegistryAuth {
  username?: string;
  password?: string;
  auth?: string;
  serveraddress?: string;
  identitytoken?: string;
  registrytoken?: string;
}
