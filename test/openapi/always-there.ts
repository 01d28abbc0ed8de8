/**
 * What Docker's daemon of 20.10 has in every such answer, whether its value says anything or not, though its document
 * requires little of it: read off what one answered. Clients read these without asking whether they are there.
 * `State.Status` is a member's member, `[]` each of a list.
 */
export const ALWAYS_THERE: Readonly<Record<string, readonly string[]>> = {
  'POST /containers/create': names('Id Warnings'),
  'POST /containers/{id}/exec': names('Id'),
  'POST /containers/{id}/update': names('Warnings'),
  'POST /containers/{id}/wait': names('StatusCode'),
  'POST /containers/prune': names('ContainersDeleted SpaceReclaimed'),
  'POST /images/prune': names('ImagesDeleted SpaceReclaimed'),
  'POST /volumes/prune': names('SpaceReclaimed VolumesDeleted'),
  'POST /networks/prune': names('NetworksDeleted'),
  'POST /commit': names('Id'),
  'GET /containers/json': under(
    '[]',
    'Command Created HostConfig.NetworkMode Id Image ImageID Labels Mounts Names NetworkSettings.Networks Ports State Status',
  ),
  'GET /containers/{id}/json': [
    ...names('AppArmorProfile Args Created Driver ExecIDs GraphDriver.Data GraphDriver.Name HostnamePath HostsPath Id Image LogPath'),
    ...names('MountLabel Mounts Name Path Platform ProcessLabel ResolvConfPath RestartCount'),
    ...under('Config', 'AttachStderr AttachStdin AttachStdout Cmd Domainname Entrypoint Env Hostname Image Labels OnBuild OpenStdin'),
    ...under('Config', 'StdinOnce Tty User Volumes WorkingDir'),
    ...under(
      'HostConfig',
      'AutoRemove Binds CapAdd CapDrop Cgroup CgroupParent CgroupnsMode ConsoleSize ContainerIDFile CpuPeriod CpuQuota',
    ),
    ...under('HostConfig', 'CpuShares CpusetCpus CpusetMems DeviceCgroupRules Devices Dns DnsOptions DnsSearch ExtraHosts GroupAdd'),
    ...under('HostConfig', 'IpcMode Isolation Links LogConfig.Config LogConfig.Type MaskedPaths Memory MemoryReservation MemorySwap'),
    ...under('HostConfig', 'MemorySwappiness NanoCpus NetworkMode OomKillDisable OomScoreAdj PidMode PidsLimit PortBindings Privileged'),
    ...under('HostConfig', 'PublishAllPorts ReadonlyPaths ReadonlyRootfs RestartPolicy.MaximumRetryCount RestartPolicy.Name Runtime'),
    ...under('HostConfig', 'SecurityOpt ShmSize UTSMode Ulimits UsernsMode VolumeDriver VolumesFrom'),
    ...under('NetworkSettings', 'Bridge EndpointID Gateway GlobalIPv6Address GlobalIPv6PrefixLen HairpinMode IPAddress IPPrefixLen'),
    ...under('NetworkSettings', 'IPv6Gateway LinkLocalIPv6Address LinkLocalIPv6PrefixLen MacAddress Networks Ports SandboxID SandboxKey'),
    ...under('NetworkSettings', 'SecondaryIPAddresses SecondaryIPv6Addresses'),
    ...under('State', 'Dead Error ExitCode FinishedAt OOMKilled Paused Pid Restarting Running StartedAt Status'),
  ],
  'GET /containers/{id}/top': names('Processes Titles'),
  'GET /containers/{id}/stats': [
    ...names('blkio_stats.io_service_bytes_recursive id memory_stats name num_procs pids_stats preread read storage_stats'),
    ...under('cpu_stats', 'cpu_usage.total_usage cpu_usage.usage_in_kernelmode cpu_usage.usage_in_usermode'),
    ...under('cpu_stats', 'throttling_data.periods throttling_data.throttled_periods throttling_data.throttled_time'),
    ...under('precpu_stats', 'cpu_usage.total_usage cpu_usage.usage_in_kernelmode cpu_usage.usage_in_usermode throttling_data.periods'),
  ],
  'GET /exec/{id}/json': [
    ...names('CanRemove ContainerID DetachKeys ExitCode ID OpenStderr OpenStdin OpenStdout Pid Running'),
    ...under('ProcessConfig', 'arguments entrypoint privileged tty'),
  ],
  'GET /events': names('Action Actor.Attributes Actor.ID Type scope time timeNano'),
  'GET /images/json': under('[]', 'Containers Created Id Labels ParentId RepoDigests RepoTags SharedSize Size VirtualSize'),
  'GET /images/{name}/history': under('[]', 'Comment Created CreatedBy Id Size Tags'),
  'GET /images/{name}/json': [
    ...names('Architecture Author Comment Container ContainerConfig Created DockerVersion GraphDriver.Data GraphDriver.Name Id'),
    ...names('Metadata.LastTagTime Os Parent RepoDigests RepoTags RootFS.Layers RootFS.Type Size VirtualSize'),
    ...under('Config', 'Cmd Entrypoint Env Labels OnBuild User Volumes WorkingDir'),
  ],
  'GET /distribution/{name}/json': names('Descriptor.digest Descriptor.mediaType Descriptor.size Platforms'),
  'GET /info': [
    ...names('Architecture CgroupDriver CgroupVersion ContainerdCommit.ID Containers ContainersPaused ContainersRunning ContainersStopped'),
    ...names('CpuCfsPeriod CpuCfsQuota Debug DefaultRuntime DockerRootDir Driver DriverStatus ExperimentalBuild HttpProxy HttpsProxy ID'),
    ...names('IPv4Forwarding Images IndexServerAddress InitBinary KernelVersion Labels LiveRestoreEnabled LoggingDriver MemTotal'),
    ...names('MemoryLimit NCPU NEventsListener NFd NGoroutines Name NoProxy OSType OSVersion OomKillDisable OperatingSystem PidsLimit'),
    ...names('Plugins.Log Plugins.Network Plugins.Volume RegistryConfig.IndexConfigs RegistryConfig.InsecureRegistryCIDRs'),
    ...names('RegistryConfig.Mirrors RuncCommit.ID Runtimes SecurityOptions ServerVersion SwapLimit Swarm.ControlAvailable'),
    ...names('Swarm.LocalNodeState Swarm.NodeID SystemTime Warnings'),
  ],
  'GET /version': [
    ...names('ApiVersion Arch BuildTime Components GitCommit GoVersion KernelVersion MinAPIVersion Os Platform.Name Version'),
    ...under('Components.[]', 'Name Version'),
  ],
  'GET /networks': under('[]', networkNames()),
  'GET /networks/{id}': names(networkNames()),
  'GET /volumes': [...names('Volumes Warnings'), ...under('Volumes.[]', volumeNames())],
  'GET /volumes/{name}': names(volumeNames()),
  'POST /volumes/create': names(volumeNames()),
  'GET /system/df': [
    ...names('BuildCache BuilderSize Containers Images LayersSize Volumes'),
    ...under('Containers.[]', 'Command Created Id Image ImageID Labels Names SizeRootFs State Status'),
    ...under('Images.[]', 'Containers Created Id Labels ParentId RepoDigests RepoTags SharedSize Size VirtualSize'),
    ...under('Volumes.[]', 'Driver Labels Mountpoint Name Options Scope UsageData.RefCount UsageData.Size'),
  ],
};

function names(text: string): readonly string[] {
  return text.split(' ');
}

function under(path: string, text: string): readonly string[] {
  return names(text).map((name) => `${path}.${name}`);
}

function networkNames(): string {
  return 'Attachable ConfigFrom.Network ConfigOnly Containers Created Driver EnableIPv6 IPAM.Config IPAM.Driver IPAM.Options Id Ingress Internal Labels Name Options Scope';
}

function volumeNames(): string {
  return 'CreatedAt Driver Labels Mountpoint Name Options Scope';
}
